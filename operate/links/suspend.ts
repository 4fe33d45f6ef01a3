/** Carries nothing on a link for now; everything waits. */
import { reason } from '#core/words/reasons.ts';
import { moveLink } from '#db/links/link-life.ts';
import { change, changed } from '#operate/change.ts';
import { linkOf } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow } from '#operate/rights.ts';

/** @param because for people who look, here and at the other side @throws Refused unknown-link, not-active */
export async function suspendLink(operator: Operator, link: string, because?: string): Promise<void> {
  allow(operator, 'link-suspend', { link });
  const { state } = await linkOf(operator, link);
  const why = reason('link-suspended', { detail: because });
  await change(operator, async (tx) => {
    const from = await moveLink(tx, link, 'suspended', why);
    if (from === null)
      throw new Refused(
        'not-active',
        'state',
        state === 'suspended'
          ? `the link ${link} is suspended already`
          : `the link ${link} is ${state}; only an active link can be suspended`,
      );
    return changed(undefined, {
      what: 'link-suspended',
      subject: `links/${link}`,
      detail: { from, to: 'suspended', because: because ?? null },
    });
  });
}
