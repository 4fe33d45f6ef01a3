/**
 * After a restore: a change that left nothing to do before it has no marker at the desk, so it is decided again. If a
 * later change of the same lane was written before the restore, the desk has that one, and the older value must not
 * come back over it.
 */
import { changesAnything, uncovered } from '#core/conversation/meet.ts';
import type { Changed, Verdict } from '#core/words/vocabulary.ts';
import type { Db } from '#db/base/client.ts';
import type { Plan } from '#db/carry/writes.ts';
import { isBeforeResumed, laterThan, type DeliveryContext } from '#db/carry/delivery-context.ts';
import type { LaneKey } from '#db/carry/lanes.ts';
import { changedBy, withChanged } from './met.ts';

/** More deliveries of one lane than a ticket gets between a backup and its restore; what is later is not looked for. */
const most = 50;

type ToApply = Extract<Verdict, { kind: 'apply' }>;

/**
 * Takes out of what a delivery would write the values that later deliveries have set at the desk already.
 *
 * @param asWritten the plan of a delivery if the desk has all of it, else null
 * @returns null if nothing is left to write
 */
export async function withoutLater(
  db: Db,
  lane: LaneKey,
  context: DeliveryContext,
  verdict: ToApply,
  asWritten: (later: DeliveryContext) => Promise<Plan | null>,
): Promise<ToApply | null> {
  const { command, meant } = verdict;
  const { kind, escalation, seq } = context.delivery;
  if (kind !== 'action' || escalation || meant === undefined || !isBeforeResumed(context)) return verdict;
  const there: Changed[] = [];
  for (const later of await laterThan(db, lane, seq, most)) {
    const { words } = later.action;
    if (later.delivery.kind !== 'action' || words === null || !changesAnything(words) || !isBeforeResumed(later))
      continue;
    const plan = await asWritten(later);
    if (plan?.meant !== undefined) there.push(plan.meant.all);
  }
  if (there.length === 0) return verdict;
  const changed = uncovered(changedBy(command), there);
  if (!changesAnything(changed) && command.note === null && command.attachments.length === 0) return null;
  const left = { all: uncovered(meant.all, there), assumed: uncovered(meant.assumed, there) };
  const { meant: _meant, ...rest } = verdict;
  return { ...rest, command: withChanged(command, changed), ...(changesAnything(left.all) ? { meant: left } : {}) };
}
