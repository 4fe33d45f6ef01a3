/**
 * Shuts out a key that may be stolen. One of ours leaves its key set, and another key signs from now on. From another
 * organisation's key, nothing new is accepted, even if a key set still contains it.
 */
import { retireOriginKey } from '#db/exchange/origin-keys.ts';
import { ownKey, retireKey, type KeyUse, type Rotation } from '#db/links/keys.ts';
import { change, changed } from '#operate/change.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';
import { whoseKey } from './whose-key.ts';

export type RetiredKey =
  /** `next` signs from now on; null if another key was already signing. */
  | { readonly instance: string; readonly use: KeyUse; readonly next: Rotation | null }
  /** Issuer URL of the key's owner. */
  | { readonly origin: string };

export type RetireOptions = {
  /** Issuer URL of the key's owner; if absent, ours, or the only known key of that name. */
  readonly origin?: string | undefined;
  readonly because?: string | undefined;
};

/** Retires it. @throws Refused unknown-key, retired, several-origins */
export async function retire(operator: Operator, kid: string, options: RetireOptions = {}): Promise<RetiredKey> {
  allow(operator, 'key-retire', everywhere);
  const ours = options.origin === undefined ? await ownKey(operator.db, kid) : null;
  if (ours === null) return retireForeign(operator, kid, options);
  if (ours.isRetired) throw new Refused('retired', 'state', `the key ${kid} of ${ours.instance} is already retired`);
  const { instance, use } = ours;
  return change(operator, async (tx) => {
    const next = await retireKey(tx, operator.seal, kid);
    return changed(
      { instance, use, next },
      {
        what: 'key-retire',
        subject: `instances/${instance}`,
        detail: { kid, use, next: next?.kid ?? null, because: options.because ?? null },
      },
    );
  });
}

async function retireForeign(operator: Operator, kid: string, { origin, because }: RetireOptions): Promise<RetiredKey> {
  const only = await whoseKey(operator, kid, origin);
  return change(operator, async (tx) => {
    if (!(await retireOriginKey(tx, only, kid)))
      throw new Refused('retired', 'state', `the key ${kid} of ${only} is already retired`);
    return changed(
      { origin: only },
      { what: 'key-retire', subject: `origins/${only}`, detail: { kid, because: because ?? null } },
    );
  });
}
