/** Creates a new secret for an API client; the old ones work for a while. */
import { rotateClientSecret } from '#db/links/api-clients.ts';
import { requireProof } from '#db/links/clients.ts';
import { change, changed } from '#operate/change.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, inReach } from '#operate/rights.ts';
import { clientOf } from './find.ts';

/**
 * Returns the secret, which is not shown again.
 * @param dpop whether its tokens must be bound to a key of the client from now on
 * @throws Refused unknown-client, no-secret, revoked
 */
export async function rotateClient(operator: Operator, id: string, dpop = false): Promise<string> {
  allow(operator, 'client-rotate');
  const client = await clientOf(operator, id);
  inReach(operator, client.link);
  if (client.isPeer)
    throw new Refused(
      'no-secret',
      'state',
      `${id} is another gateway and has no secret; it rotates its own keys (ferry link rotate there)`,
    );
  if (client.revoked)
    throw new Refused('revoked', 'state', `${id} is revoked; add another with ferry client add ${client.link}`);
  return change(operator, async (tx) => {
    const proofs = dpop && (await requireProof(tx, id));
    return changed(await rotateClientSecret(tx, id), {
      what: 'client-rotate',
      subject: `clients/${id}`,
      detail: { link: client.link, ...(proofs ? { proofs } : {}) },
    });
  });
}
