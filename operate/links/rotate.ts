/** Makes new credentials for a link: our client key or, if the other side is an API client, secrets for its clients. */
import { rotateClientSecret, type Credentials } from '#db/links/api-clients.ts';
import { linkStandings } from '#db/links/link-status.ts';
import { requireProofs, sidesOf } from '#db/links/peers.ts';
import { change, changed } from '#operate/change.ts';
import { nextKey, type RotatedKey } from '#operate/keys/rotate.ts';
import { linkOf } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow } from '#operate/rights.ts';

export type LinkRotated =
  | { readonly key: RotatedKey }
  /** The secrets, which are not shown again. */
  | { readonly clients: readonly Credentials[] };

/** Rotates them. @throws Refused unknown-link, nothing-to-rotate, unknown-client */
export async function rotateLink(operator: Operator, link: string): Promise<LinkRotated> {
  allow(operator, 'link-rotate', { link });
  const { db } = operator;
  await linkOf(operator, link);
  const sides = await sidesOf(db, link);
  if (sides === null || sides.far === null)
    throw new Refused(
      'nothing-to-rotate',
      'state',
      `both helpdesks of ${link} are driven by this gateway; change their credentials in links.yaml`,
    );
  const subject = `links/${link}`;
  if (sides.farReach !== 'api')
    return change(operator, async (tx) => {
      const key = await nextKey(tx, operator, sides.ownInstance, 'client');
      // From now on, tokens of links from earlier versions are bound to keys, too.
      const proofs = await requireProofs(tx, link);
      return changed(
        { key },
        {
          what: 'link-rotate',
          subject,
          detail: { instance: key.instance, kid: key.kid, ...(proofs ? { proofs } : {}) },
        },
      );
    });
  const ids = (await linkStandings(db, link))[0]?.clients ?? [];
  if (ids.length === 0)
    throw new Refused(
      'unknown-client',
      'unknown',
      `the link ${link} has no client that may call; add one with ferry client add ${link}`,
    );
  return change(operator, async (tx) => {
    const clients: Credentials[] = [];
    for (const client of ids) clients.push({ client, secret: await rotateClientSecret(tx, client) });
    return changed({ clients }, { what: 'link-rotate', subject, detail: { clients: ids } });
  });
}
