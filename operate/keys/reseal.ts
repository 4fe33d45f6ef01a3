/** Seals secrets of older keys with the current key, so that the older keys can be removed. */
import { keyIdOf, SecretError } from '#config/secrets.ts';
import { replaceSealed, sealedSecrets, secretColumns, type SealedSecret } from '#db/operate/sealed-secrets.ts';
import { change, changed, unchanged } from '#operate/change.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';

export type Resealed = {
  readonly resealed: number;
  /** The number of secrets that already used the current key. */
  readonly already: number;
  /** Secrets that could not be resealed: `instances/acme/credentials`, with the reason. */
  readonly failed: readonly { readonly place: string; readonly code: string; readonly text: string }[];
};

/** How many secrets to seal in one transaction. */
const batch = 100;

/** Seals them. May be interrupted and repeated, because each batch is one transaction. @throws Refused no-key */
export async function resealSecrets(operator: Operator): Promise<Resealed> {
  allow(operator, 'key-reseal', everywhere);
  const { db, secretKeyId, open, seal } = operator;
  if (secretKeyId === undefined)
    throw new Refused('no-key', 'setup', 'there is no key to seal with; set FERRY_SECRET_KEY');
  let [resealed, already] = [0, 0];
  const failed: { place: string; code: string; text: string }[] = [];
  for (const column of secretColumns)
    for (let after: string | null = null; ;) {
      const page: SealedSecret[] = await sealedSecrets(db, column, after, batch);
      const sealedAgain: { readonly before: SealedSecret; readonly sealed: string }[] = [];
      for (const before of page) {
        const place = column.context(before.id);
        if (keyIdOf(before.sealed) === secretKeyId) already += 1;
        else
          try {
            sealedAgain.push({ before, sealed: await seal(await open(before.sealed, place), place) });
          } catch (error) {
            if (!(error instanceof SecretError)) throw error;
            failed.push({ place, code: error.code, text: error.message });
          }
      }
      resealed += await change(operator, async (tx) => {
        let done = 0;
        for (const { before, sealed } of sealedAgain) if (await replaceSealed(tx, column, before, sealed)) done += 1;
        if (done === 0) return unchanged(0);
        return changed(done, {
          what: 'key-reseal',
          subject: `secrets/${column.table}`,
          detail: { resealed: done, key: secretKeyId },
        });
      });
      if (page.length < batch) break;
      after = page.at(-1)?.id ?? null;
    }
  return { resealed, already, failed };
}
