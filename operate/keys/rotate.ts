/** Makes new signing keys for an instance, and publishes them before they sign. */
import type { Tx } from '#db/base/client.ts';
import { keyUses, rotateKey, type KeyUse } from '#db/links/keys.ts';
import { change, changed } from '#operate/change.ts';
import { assertInstance } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';

export type RotatedKey = {
  readonly instance: string;
  readonly use: KeyUse;
  readonly kid: string;
  /** Instant. */
  readonly signsFrom: string;
};

/** Rotates keys. @param use rotates only the key for this use @throws Refused unknown-use, unknown-instance */
export async function rotateKeys(operator: Operator, instance: string, use?: string): Promise<RotatedKey[]> {
  allow(operator, 'key-rotate', everywhere);
  const uses = use === undefined ? keyUses : keyUses.filter((known) => known === use);
  if (uses.length === 0)
    throw new Refused(
      'unknown-use',
      'wrong',
      `"${use ?? ''}" is not a use of keys; choose one of ${keyUses.join(', ')}`,
    );
  await assertInstance(operator.db, instance);
  return change(operator, async (tx) => {
    const keys: RotatedKey[] = [];
    for (const one of uses) keys.push(await nextKey(tx, operator, instance, one));
    return changed(keys, {
      what: 'key-rotate',
      subject: `instances/${instance}`,
      detail: { keys: keys.map(({ use: of, kid }) => ({ use: of, kid })) },
    });
  });
}

export async function nextKey(
  tx: Tx,
  { seal }: Pick<Operator, 'seal'>,
  instance: string,
  use: KeyUse,
): Promise<RotatedKey> {
  const { kid, signsFrom } = await rotateKey(tx, seal, instance, use);
  return { instance, use, kid, signsFrom };
}
