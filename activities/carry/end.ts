/** Ends a delivery: its outcome in one transaction, and after the commit the wakes that follow from it. */
import type { Outcome, Reason } from '#core/words/vocabulary.ts';
import { inTransaction } from '#db/base/transaction.ts';
import type { Tx } from '#db/base/client.ts';
import { endDelivery, type Ending } from '#db/carry/outcome.ts';
import { report } from '#activities/report.ts';
import type { Turn } from '#activities/turn.ts';
import type { Applied } from './apply-run.ts';

export type EndedTurn = Extract<Applied, { readonly kind: 'ended' }>;

/** What the end is besides; without it there are no drops and no versions. */
export type EndingMore = Partial<Omit<Ending, 'outcome' | 'reason' | 'durationMs'>> & {
  /** In the same transaction, before and after the end itself. */
  before?(tx: Tx): Promise<void>;
  after?(tx: Tx): Promise<void>;
};

/** @param why null only where it was applied as it came */
export async function endAs(
  turn: Omit<Turn, 'lane'>,
  outcome: Outcome,
  why: Reason | null,
  { before, after, ...more }: EndingMore = {},
): Promise<EndedTurn> {
  const { deps, context, startedMs } = turn;
  const { wake, isLast } = await inTransaction(deps.db, async (tx) => {
    await before?.(tx);
    const ended = await endDelivery(tx, deps.cache, context, {
      outcome,
      reason: why,
      drops: [],
      versions: null,
      ...more,
      durationMs: performance.now() - startedMs,
    });
    await after?.(tx);
    return ended;
  });
  deps.wake(wake);
  report(turn, outcome, why);
  return { kind: 'ended', isLast: await isLast };
}

export function carriedBy({ isLast }: EndedTurn): 'ended' | 'ended-last' {
  return isLast ? 'ended-last' : 'ended';
}
