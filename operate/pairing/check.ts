/** Runs the checks of a link again, in both directions. */
import { randomUUID } from 'node:crypto';
import { startChecks } from '#db/links/pairings.ts';
import { change, changed } from '#operate/change.ts';
import { linkOf } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow } from '#operate/rights.ts';

/** Returns the id of the pairing, for `pairingProgress`. @throws Refused unknown-link, link-closed, never-paired */
export async function checkLink(operator: Operator, link: string): Promise<string> {
  allow(operator, 'link-check', { link });
  const { state } = await linkOf(operator, link);
  if (state === 'closed' || state === 'closing')
    throw new Refused('link-closed', 'state', `the link ${link} has ended; there is nothing to check`);
  return change(operator, async (tx) => {
    const run = randomUUID();
    const pairing = await startChecks(tx, link, { run, asks: true, theirs: [] });
    if (pairing === null)
      throw new Refused(
        'never-paired',
        'state',
        `the link ${link} was not made by pairing, so there is no other gateway to check; ferry status shows the state of its helpdesks`,
      );
    return changed(pairing.id, { what: 'link-check', subject: `links/${link}`, detail: { run } });
  });
}
