/** Puts a link in quarantine, when a person knows that this gateway has forgotten writes and can't detect it. */
import { reason } from '#core/words/reasons.ts';
import { moveLink } from '#db/links/link-life.ts';
import { change, changed } from '#operate/change.ts';
import { linkOf } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow } from '#operate/rights.ts';

/** Puts it there. @throws Refused unknown-link, not-active */
export async function quarantineLink(operator: Operator, link: string): Promise<void> {
  allow(operator, 'link-suspend', { link });
  const { state } = await linkOf(operator, link);
  const why = reason('link-quarantined', { detail: `${operator.actor.name} put it there.` });
  await change(operator, async (tx) => {
    const from = await moveLink(tx, link, 'quarantined', why);
    if (from === null)
      throw new Refused(
        'not-active',
        'state',
        state === 'quarantined'
          ? `the link ${link} is already in quarantine`
          : `the link ${link} is ${state}; only one that is active or suspended can be put in quarantine`,
      );
    return changed(undefined, {
      what: 'link-quarantined',
      subject: `links/${link}`,
      detail: { from, to: 'quarantined' },
    });
  });
}
