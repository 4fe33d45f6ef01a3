/** Pauses a link until a time, after which it resumes, for maintenance. */
import { reason } from '#core/words/reasons.ts';
import { minute } from '#core/text/template.ts';
import { moveLink } from '#db/links/link-life.ts';
import { suspendUntil } from '#db/links/put-off-end.ts';
import { change, changed } from '#operate/change.ts';
import { linkOf } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow } from '#operate/rights.ts';

export type Pause = {
  /** Instant. */
  readonly until: string;
  /** For people, here and at the other side. */
  readonly why: string;
};

/** Longer than that is no pause. Milliseconds. */
const longestMs = 90 * 86_400_000;
const longestWhy = 500;

/**
 * Of a link that is suspended already it only changes until when and why.
 * @param now milliseconds since 1970
 * @throws Refused unknown-link, not-active, not-ahead, too-long, no-reason
 */
export async function pauseLink(
  operator: Operator,
  link: string,
  { until, why }: Pause,
  now = Date.now(),
): Promise<void> {
  allow(operator, 'link-suspend', { link });
  const aheadMs = Date.parse(until) - now;
  if (!(aheadMs > 0))
    throw new Refused(
      'not-ahead',
      'wrong',
      `a pause ends later than now, and ${until} does not; write when it is over`,
    );
  if (aheadMs > longestMs)
    throw new Refused(
      'too-long',
      'wrong',
      `a pause lasts at most 90 days; for longer, suspend the link (ferry link suspend ${link})`,
    );
  const text = why.trim();
  if (text === '' || text.length > longestWhy)
    throw new Refused(
      'no-reason',
      'wrong',
      `give a reason of at most ${longestWhy} characters, for people who look at the link meanwhile`,
    );
  const { state } = await linkOf(operator, link);
  const { name: by } = operator.actor;
  const said = reason('link-paused', { written: minute(until), detail: text });
  await change(operator, async (tx) => {
    const from = await moveLink(tx, link, 'suspended', said, { by, until });
    const detail = { from: from ?? 'suspended', to: 'suspended', until, why: text };
    if (from !== null) return changed(undefined, { what: 'link-paused', subject: `links/${link}`, detail });
    const before = await suspendUntil(tx, link, said, { by, until });
    if (before === undefined)
      throw new Refused('not-active', 'state', `the link ${link} is ${state}; only an active link can be paused`);
    return changed(undefined, {
      what: 'link-paused',
      subject: `links/${link}`,
      detail: { ...detail, untilBefore: before },
    });
  });
}
