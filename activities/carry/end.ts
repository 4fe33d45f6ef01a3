/** Ends a delivery: stores its outcome in one transaction, and after the commit wakes the couriers that must act on it. */
import type { Outcome, Reason } from '#core/words/vocabulary.ts';
import { inTransaction } from '#db/base/transaction.ts';
import type { Tx } from '#db/base/client.ts';
import type { EndedBy } from '#db/carry/mark-ended.ts';
import { endDelivery, type Ending, type Marked } from '#db/carry/outcome.ts';
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
  after?(tx: Tx): Promise<void>;
};

/** @param why null only if it was applied unchanged */
export async function endAs(
  turn: Omit<Turn, 'lane'>,
  outcome: Outcome,
  why: Reason | null,
  { before, after, ...more }: EndingMore = {},
): Promise<EndedTurn> {
  const { deps, context, startedMs } = turn;
  const { wake, isLast, marked } = await inTransaction(deps.db, async (tx) => {
    await before?.(tx);
    const ended = await endDelivery(tx, deps.cache, context, {
      outcome,
      reason: why,
      drops: [],
      versions: null,
      ...more,
      durationMs: performance.now() - startedMs,
      by: endedBy(turn),
    });
    // If the result is not known yet, nothing follows from it.
    if ('ended' in ended.marked && ended.marked.ended) await after?.(tx);
    return ended;
  });
  deps.wake(wake);
  return reported(turn, outcome, why, { isLast: await isLast, ...(await marked) });
}

export function endedBy({ epoch, promised }: Pick<Turn, 'epoch' | 'promised'>): EndedBy {
  return { epoch, promises: [...promised.values()] };
}

/** Reports how it ended, once that is committed. */
export function reported(
  turn: Omit<Turn, 'lane'>,
  outcome: Outcome,
  why: Reason | null,
  { isLast, ended, foreign }: Marked & { readonly isLast: boolean },
): EndedTurn {
  if (ended) report(turn, outcome, why);
  else if (foreign) {
    ignored(turn, outcome);
    return { kind: 'lost' };
  }
  return { kind: 'ended', isLast };
}

export function carriedBy(turn: EndedTurn): 'ended' | 'ended-last' | 'lost' {
  if (turn.kind === 'lost') return 'lost';
  return turn.isLast ? 'ended-last' : 'ended';
}
