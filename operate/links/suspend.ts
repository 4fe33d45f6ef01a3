/** Suspends a link: nothing is carried on it, and everything waits. */
import { reason } from '#core/words/reasons.ts';
import { moveLink } from '#db/links/link-life.ts';
import { change, changed } from '#operate/change.ts';
import { linkOf } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow } from '#operate/rights.ts';

/** Suspends it. @param because the reason, for people on both sides @throws Refused unknown-link, not-active */
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
          ? `the link ${link} is already suspended`
          : `the link ${link} is ${state}; only an active link can be suspended`,
      );
    return changed(undefined, {
      what: 'link-suspended',
      subject: `links/${link}`,
      detail: { from, to: 'suspended', because: because ?? null },
    });
  });
}
