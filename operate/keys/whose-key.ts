/** Finds the owner of another organisation's key by the key's name. */
import { originsWithKey } from '#db/exchange/origin-keys.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';

/** Returns the owner's issuer URL. @throws Refused unknown-key, several-origins */
export async function whoseKey({ db }: Pick<Operator, 'db'>, kid: string, origin?: string): Promise<string> {
  const known = await originsWithKey(db, kid);
  const whose = origin === undefined ? known : known.filter((one) => one === origin);
  const [only] = whose;
  if (only === undefined)
    throw new Refused(
      'unknown-key',
      'unknown',
      `no key "${kid}"${origin === undefined ? '' : ` of ${origin}`} is known here; ferry verify shows the keys by which actions were signed`,
    );
  if (whose.length > 1)
    throw new Refused(
      'several-origins',
      'wrong',
      `several organisations have a key of that name (${whose.join(', ')}); choose one with --origin`,
    );
  return only;
}
