/** Deletes everything that was carried on an ended link, except the audit. */
import { purgeLink as deleteLink, type Purged } from '#db/links/link-purge.ts';
import { change, changed } from '#operate/change.ts';
import { linkOf } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow } from '#operate/rights.ts';

/** Purges it; null if the user declined. @param confirm if absent, yes @throws Refused unknown-link, not-closed */
export async function purgeLink(
  operator: Operator,
  link: string,
  confirm?: () => Promise<boolean>,
): Promise<Purged | null> {
  allow(operator, 'link-purge', { link });
  const { state } = await linkOf(operator, link);
  if (state !== 'closed')
    throw new Refused(
      'not-closed',
      'state',
      state === 'closing'
        ? `the last notes of ${link} are still being written; purge it when ferry link status shows that it is closed`
        : `the link ${link} is ${state}; end it first with ferry link close ${link}`,
    );
  if (confirm !== undefined && !(await confirm())) return null;
  return change(operator, async (tx) => {
    const purged = await deleteLink(tx, link);
    if (purged === null) throw new Refused('unknown-link', 'unknown', `the link ${link} was purged meanwhile`);
    return changed(purged, { what: 'purge', subject: `links/${link}`, detail: { ...purged } });
  });
}
