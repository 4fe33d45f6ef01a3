/** By which marker a write of this delivery is known at its desk, and whether it may be there already. */
import { baseOf, markerBase, markerBaseOnce, stepMarker, type Writing } from '#core/log/mark.ts';
import { isBeforeResumed, type DeliveryContext } from '#db/carry/delivery-context.ts';
import type { WriteRow } from '#db/carry/writes.ts';
import { isReceived } from './what-leaves.ts';

/** Of a step that was promised before, and of those beside it, it stays what it was: they may be at the desk. */
export function markerOf(context: DeliveryContext, step: number, rows: readonly Pick<WriteRow, 'marker'>[]): string {
  const [before] = rows;
  return stepMarker(before === undefined ? madeOf(context) : baseOf(before.marker), step);
}

function madeOf(context: DeliveryContext): string {
  const { delivery, action, mirror } = context;
  // An action of ours gets another id after a restore, and one from elsewhere may get one, where its own is taken.
  const mark = action.mark ?? (isFromElsewhere(context) ? JSON.stringify([action.origin, action.said]) : null);
  const where = { link: mirror.link, receiver: delivery.to };
  return mark === null ? delivery.id : markerBase(mark, where, writingOf(context));
}

/** By which a version before the link was part of markers would have written it; null where that had none. */
export function markerOnce(context: DeliveryContext, step: number): string | null {
  const { delivery, action } = context;
  const mark = action.mark ?? (isFromElsewhere(context) ? action.said : null);
  return mark === null ? null : stepMarker(markerBaseOnce(mark, delivery.to, writingOf(context)), step);
}

function isFromElsewhere({ action }: DeliveryContext): boolean {
  return action.externalId === action.id;
}

function writingOf({ delivery }: DeliveryContext): Writing {
  if (delivery.kind !== 'receipt' || delivery.receipt === null) return { what: 'action' };
  const { outcome, reason } = delivery.receipt;
  return { what: 'receipt', outcome, code: reason.code, nth: delivery.nth ?? 0 };
}

/** One of the two gateways was restored since it was recorded: the other may have it under another id. */
export function mayBeSent(context: DeliveryContext): boolean {
  return context.delivery.kind === 'action' && isBeforeResumed(context) && !isReceived(context);
}
