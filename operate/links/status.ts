/** Lists links with their sides, state, checks and contacts, and unused invitations. */
import { linkStandings, openInvitations, type LinkStanding, type OpenInvitation } from '#db/links/link-status.ts';
import { linkOf } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { allow, reaches } from '#operate/rights.ts';

export type { LinkStanding, OpenInvitation } from '#db/links/link-status.ts';

export type LinksSeen = {
  readonly links: readonly LinkStanding[];
  readonly invitations: readonly OpenInvitation[];
};

/** Lists them. @param link only this link @throws Refused unknown-link */
export async function linkStatus(operator: Operator, link?: string): Promise<LinksSeen> {
  allow(operator, 'link-status', link === undefined ? undefined : { link });
  const { db, actor } = operator;
  if (link !== undefined) {
    await linkOf(operator, link);
    return { links: await linkStandings(db, link), invitations: [] };
  }
  const [links, invitations] = [await linkStandings(db), await openInvitations(db)];
  return {
    links: links.filter(({ id }) => reaches(actor, id)),
    invitations: invitations.filter((one) => reaches(actor, one.link)),
  };
}
