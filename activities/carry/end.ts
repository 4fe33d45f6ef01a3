/** Ends a delivery: stores its outcome in one transaction, and after the commit wakes the couriers that must act on it. */
import type { Outcome, Reason } from '#core/words/vocabulary.ts';
import { inUnitOfWork } from '#db/base/unit-of-work.ts';
import type { Tx } from '#db/base/client.ts';
import type { EndedBy, MarkedEnded } from '#db/carry/mark-ended.ts';
import { endDelivery, type Ending } from '#db/carry/outcome.ts';
import { report } from '#activities/report.ts';
import type { Turn } from '#activities/turn.ts';
import type { Applied } from './apply-run.ts';
import { ignored } from './ignored.ts';

/** `lost`: another drain is working on it. */
export type EndedTurn = Extract<Applied, { readonly kind: 'ended' | 'lost' }>;

/** Further details of the end; by default no drops and no versions. */
export type EndingMore = Partial<Omit<Ending, 'outcome' | 'reason' | 'durationMs' | 'by'>> & {
  /** Run in the same transaction: before the end, and after it if this call ended the delivery. */
  before?(tx: Tx): Promise<void>;
};

/** @param why null only if it was applied unchanged */
export async function endAs(
  turn: Omit<Turn, 'lane'>,
  outcome: Outcome,
  why: Reason | null,
  { before, ...more }: EndingMore = {},
): Promise<EndedTurn> {
  const { deps, context, startedMs } = turn;
  const { wake, marked } = await inUnitOfWork(deps.db, async (unit) => {
    await before?.(unit.tx);
    return endDelivery(unit, deps.cache, context, {
      outcome,
      reason: why,
      drops: [],
      versions: null,
      ...more,
      durationMs: performance.now() - startedMs,
      by: endedBy(turn),
    });
  });
  deps.wake(wake);
  return reported(turn, outcome, why, marked.get());
}

export function endedBy({ epoch, promised }: Pick<Turn, 'epoch' | 'promised'>): EndedBy {
  return { epoch, promises: [...promised.values()] };
}

/** Reports how it ended, once that is committed. */
export function reported(
  turn: Omit<Turn, 'lane'>,
  outcome: Outcome,
  why: Reason | null,
  { ended, foreign, waiting }: MarkedEnded,
): EndedTurn {
  if (ended) report(turn, outcome, why);
  else if (foreign) {
    ignored(turn, outcome);
    return { kind: 'lost' };
  }
  return { kind: 'ended', isLast: ended && waiting === null };
}

export function carriedBy(turn: EndedTurn): 'ended' | 'ended-last' | 'lost' {
  if (turn.kind === 'lost') return 'lost';
  return turn.isLast ? 'ended-last' : 'ended';
}
