/** Decides whether the head of a lane may be carried at all, given its mirror, its link and any hold. */
import { report } from '#activities/report.ts';
import type { Carried, Turn } from '#activities/turn.ts';
import { setAsideAfterMs } from '#core/words/retry.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import type { LinkState } from '#core/wire.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import {
  deferLane,
  holdDelivery,
  parkLane,
  parkUntilActive,
  parkUntilLooked,
  setAside,
  type LaneKey,
} from '#db/carry/lanes.ts';
import { raiseNotice } from '#db/base/notices.ts';
import { nameOf } from '#db/log/mirrors.ts';
import { noteAttempt } from '#db/carry/outcome.ts';
import { ignored } from './ignored.ts';
import type { WorkDeps } from '#activities/deps.ts';

/** While a link closes, its final notes are still written. */
const carrying: readonly LinkState[] = ['active', 'closing'];

/** Returns null if it may be carried. */
export async function beforeHead(
  deps: WorkDeps,
  context: DeliveryContext,
  lane: LaneKey,
  epoch: number,
): Promise<Carried | null> {
  const { delivery, mirror } = context;
  if (!carrying.includes(mirror.linkState)) {
    return rests(await parkUntilActive(deps.db, lane, epoch, mirror.link));
  }
  if (mirror.quarantined) {
    const { customer, supplier } = mirror.ends;
    return rests(await parkUntilLooked(deps.db, lane, epoch, [customer.instance, supplier.instance]));
  }
  // A receipt often explains why the mirror is paused, and nothing it causes travels on.
  if (mirror.paused && delivery.kind !== 'receipt') {
    return rests(await parkLane(deps.db, lane, epoch));
  }
  if (!isHeld(context)) return null;
  const leftMs = setAsideAfterMs - (delivery.heldMs ?? 0);
  if (leftMs > 0) {
    return rests(await deferLane(deps.db, lane, epoch, leftMs));
  }
  await setAside(deps.db, delivery.id, lane, epoch);
  return 'ended';
}

function rests(isMine: boolean): Carried {
  return isMine ? 'rests' : 'lost';
}

export function isHeld({ delivery }: DeliveryContext): boolean {
  return delivery.heldAt !== null && delivery.releasedAt === null;
}

/** Holds the lane's head until somebody acts; the notice says what is needed. */
export async function hold(turn: Turn, why: Reason): Promise<'rests' | 'lost'> {
  const { deps, context, lane, epoch, startedMs } = turn;
  // In one transaction: nobody would look at a hold without a notice.
  const isHeldNow = await deps.db.transaction(async (tx) => {
    if (!(await holdDelivery(tx, context.delivery.id, lane, epoch, why, setAsideAfterMs))) return false;
    await noteAttempt(tx, context.delivery.id, 'held', why, performance.now() - startedMs, null);
    await raiseNotice(tx, {
      link: context.mirror.link,
      cause: `held/${context.mirror.id}/${why.code}`,
      text: `${nameOf(context.mirror)}: ${why.text}`,
    });
    return true;
  });
  if (!isHeldNow) {
    ignored(turn, 'held');
    return 'lost';
  }
  report(turn, 'held', why);
  return 'rests';
}
