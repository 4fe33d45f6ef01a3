/** By which marker a write of this delivery is known at its desk, and whether it may be there already. */
import { baseOf, markerBase, stepMarker } from '#core/log/mark.ts';
import { isBeforeResumed, type DeliveryContext } from '#db/carry/delivery-context.ts';
import type { WriteRow } from '#db/carry/writes.ts';
import { isReceived } from './what-leaves.ts';

/** Of a step that was promised before, and of those beside it, it stays what it was: they may be at the desk. */
export function markerOf(context: DeliveryContext, step: number, rows: readonly Pick<WriteRow, 'marker'>[]): string {
  const [before] = rows;
  return stepMarker(before === undefined ? madeOf(context) : baseOf(before.marker), step);
}

function madeOf({ delivery, action, mirror }: DeliveryContext): string {
  // The id of what came from elsewhere is the same for everybody; one of ours is another after a restore.
  const mark = action.mark ?? (action.externalId === action.id ? action.id : null);
  if (mark === null) return delivery.id;
  const where = { link: mirror.link, receiver: delivery.to };
  if (delivery.kind !== 'receipt' || delivery.receipt === null) return markerBase(mark, where, { what: 'action' });
  const { outcome, reason } = delivery.receipt;
  return markerBase(mark, where, { what: 'receipt', outcome, code: reason.code, nth: delivery.nth ?? 0 });
}

/** One of the two gateways was restored since it was recorded: the other may have it under another id. */
export function mayBeSent(context: DeliveryContext): boolean {
  return context.delivery.kind === 'action' && isBeforeResumed(context) && !isReceived(context);
}
