/** Revokes a client: its credentials and tokens no longer work. */
import { revokeClient as revokeCredentials } from '#db/links/clients.ts';
import { change, changed, unchanged } from '#operate/change.ts';
import type { Operator } from '#operate/operator.ts';
import { allow, inReach } from '#operate/rights.ts';
import { clientOf } from './find.ts';

export type ClientRevoked = {
  /** False if it was already revoked. */
  readonly done: boolean;
  readonly link: string;
  /** Whether the client is another gateway, which can no longer call. */
  readonly isPeer: boolean;
};

/** Revokes it. @throws Refused unknown-client */
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
