/** Lets a suspended or quarantined link go on, after both sides were compared. */
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
  /** Asked before anything is set right; absent: yes. Not asked where nothing differs. */
  readonly confirm?: (comparison: Comparison) => Promise<boolean>;
};

export type Resumed = {
  readonly outcome: 'resumed' | 'dry-run' | 'declined';
  /** As the link was before. */
  readonly state: 'suspended' | 'quarantined';
  /** Null where there was no other gateway to compare with, or no need to. */
  readonly comparison: Comparison | null;
  readonly setRight: SetRight;
  /** Of a link that was in quarantine: what is looked for at our desks before it is written there. */
  readonly looked: LookedFor;
};

const nothing: SetRight = { again: 0, waiting: 0 };
const mostTickets = 20;

/** @throws Refused unknown-link, not-suspended, peer-unreachable, overtaken */
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
      throw new Refused('overtaken', 'state', `somebody else changed the link ${link} meanwhile; look again`);
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
