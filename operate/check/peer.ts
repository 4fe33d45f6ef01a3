/** `ferry check` for a helpdesk that this gateway does not drive: checks its links, if another gateway speaks for it. */
import { reachOf } from '#core/words/reach.ts';
import { loadInstance } from '#db/settings/instances.ts';
import { loadFederation } from '#db/settings/settings.ts';
import { assertInstance } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';

/**
 * Returns its links; null for a helpdesk that this gateway drives.
 * @throws Refused unknown-instance, not-local for an API client, no-link
 */
export async function linksToPeer(operator: Operator, instance: string): Promise<readonly string[] | null> {
  allow(operator, 'check', everywhere);
  const { db } = operator;
  await assertInstance(db, instance);
  const row = await loadInstance(db, instance);
  if (row === null) return null;
  const reach = reachOf(row.type);
  if (reach === 'driven') return null;
  const { sides, ended } = await loadFederation(db);
  const links = [...sides.values()].flatMap((side) =>
    side.instance === instance && !ended.has(side.link) ? [side.link] : [],
  );
  if (reach === 'api')
    throw new Refused(
      'not-local',
      'state',
      `${instance} represents an API client, which calls this gateway and can't be asked; ${links.map((link) => `ferry link status ${link}`).join(' or ') || 'ferry status'} shows when it last called`,
    );
  if (links.length > 0) return links;
  throw new Refused(
    'no-link',
    'state',
    `${instance} represents another organisation's helpdesk, and it no longer has a link; pair again with ferry link invite or ferry link accept`,
  );
}
