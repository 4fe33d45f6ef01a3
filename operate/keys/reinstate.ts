/** Accepts a key of another organisation again that was retired here. */
import { reinstateOriginKey } from '#db/exchange/origin-keys.ts';
import { ownKey } from '#db/links/keys.ts';
import { change, changed } from '#operate/change.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';
import type { RetireOptions } from './retire.ts';
import { whoseKey } from './whose-key.ts';

/**
 * Returns the issuer URL of the key's owner. Our own keys can't be reinstated: a retired one has left its key set, and another
 * signs.
 * @throws Refused unknown-key, not-retired, several-origins, own-key
 */
export async function reinstate(
  operator: Operator,
  kid: string,
  { origin, because }: RetireOptions = {},
): Promise<{ readonly origin: string }> {
  allow(operator, 'key-reinstate', everywhere);
  const ours = origin === undefined ? await ownKey(operator.db, kid) : null;
  if (ours !== null)
    throw new Refused(
      'own-key',
      'wrong',
      `the key ${kid} is one of ${ours.instance}, which signs with another key since it was retired; ferry key rotate makes a new one`,
    );
  const whose = await whoseKey(operator, kid, origin);
  return change(operator, async (tx) => {
    if (!(await reinstateOriginKey(tx, whose, kid)))
      throw new Refused('not-retired', 'state', `the key ${kid} of ${whose} is not retired`);
    return changed(
      { origin: whose },
      { what: 'key-reinstate', subject: `origins/${whose}`, detail: { kid, because: because ?? null } },
    );
  });
}
