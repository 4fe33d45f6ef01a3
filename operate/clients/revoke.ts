/** From now on neither a client's credentials nor its tokens work. */
import { revokeClient as revokeCredentials } from '#db/links/clients.ts';
import { change, changed, unchanged } from '#operate/change.ts';
import type { Operator } from '#operate/operator.ts';
import { allow, inReach } from '#operate/rights.ts';
import { clientOf } from './find.ts';

export type ClientRevoked = {
  /** False where it was revoked before. */
  readonly done: boolean;
  readonly link: string;
  /** It was another gateway, which can call no more. */
  readonly isPeer: boolean;
};

/** @throws Refused unknown-client */
export async function revokeClient(operator: Operator, id: string): Promise<ClientRevoked> {
  allow(operator, 'client-revoke');
  const { link, isPeer } = await clientOf(operator, id);
  inReach(operator, link);
  return change<ClientRevoked>(operator, async (tx) => {
    const done = await revokeCredentials(tx, id);
    const result = { done, link, isPeer };
    if (!done) return unchanged(result);
    return changed(result, { what: 'client-revoke', subject: `clients/${id}`, detail: { link, isPeer } });
  });
}
