/** Resumes a suspended or quarantined link, after comparing both sides. */
import { lookedFor, type LookedFor } from '#db/links/link-compare.ts';
import { lockLink, moveLink } from '#db/links/link-life.ts';
import { loadPeer, sidesOf } from '#db/links/peers.ts';
import { change, changed } from '#operate/change.ts';
import { linkOf } from '#operate/known.ts';
import type { PeerOperator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow } from '#operate/rights.ts';
import { compareWithPeer, setRight, type Comparison, type SetRight } from './compare.ts';

export type { Comparison, LaneDifference } from './compare.ts';

export type ResumeOptions = {
  readonly dryRun?: boolean;
  /** Confirms before anything is corrected; if absent, yes. Not called if nothing differs. */
  readonly confirm?: (comparison: Comparison) => Promise<boolean>;
};

export type Resumed = {
  readonly outcome: 'resumed' | 'dry-run' | 'declined';
  /** The link's previous state. */
  readonly state: 'suspended' | 'quarantined';
  /** Null if there was no other gateway, or no need to compare. */
  readonly comparison: Comparison | null;
  readonly setRight: SetRight;
  /** For a link that was in quarantine: the deliveries that Ferry looks for at our desks before it writes them. */
  readonly looked: LookedFor;
};

const nothing: SetRight = { again: 0, waiting: 0 };
const mostTickets = 20;

/** Resumes it. @throws Refused unknown-link, not-suspended, peer-unreachable, overtaken */
export async function resumeLink(operator: PeerOperator, link: string, options: ResumeOptions = {}): Promise<Resumed> {
  allow(operator, 'link-resume', { link });
  const { db } = operator;
  const { state } = await linkOf(operator, link);
  const sides = await sidesOf(db, link);
  if (sides === null || (state !== 'suspended' && state !== 'quarantined'))
    throw new Refused(
      'not-suspended',
      'state',
      state === 'pairing'
        ? `the link ${link} is not complete yet; repeat its checks with ferry link check ${link}`
        : `the link ${link} is ${state}; there is nothing to resume`,
    );
  const peer = state === 'quarantined' ? await loadPeer(db, link) : null;
  const comparison = peer === null ? null : await compareWithPeer(operator, link, peer, sides);
  const looked = state === 'quarantined' ? await lookedFor(db, link, mostTickets) : { deliveries: 0, tickets: [] };
  if (options.dryRun === true) return { outcome: 'dry-run', state, comparison, setRight: nothing, looked };
  if (comparison !== null && comparison.differences.length > 0 && options.confirm !== undefined)
    if (!(await options.confirm(comparison)))
      return { outcome: 'declined', state, comparison, setRight: nothing, looked };

  const done = await change(operator, async (tx) => {
    if ((await lockLink(tx, link)) !== state)
      throw new Refused('overtaken', 'state', `somebody changed the link ${link} at the same time; look again`);
    const right = comparison === null ? nothing : await setRight(tx, comparison.differences);
    await moveLink(tx, link, 'active', null);
    return changed(right, {
      what: 'link-active',
      subject: `links/${link}`,
      detail: { from: state, to: 'active', differed: comparison?.differences.length ?? 0, ...right },
    });
  });
  await operator.wake([sides.ownInstance, sides.farInstance]);
  return { outcome: 'resumed', state, comparison, setRight: done, looked };
}
