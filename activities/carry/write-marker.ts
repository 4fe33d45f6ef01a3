/** Determines the marker of a delivery's write at its desk, and whether the write may exist there already. */
import { baseOf, markerBase, markerBaseOnce, stepMarker, type Writing } from '#core/log/mark.ts';
import { isBeforeResumed, type DeliveryContext } from '#db/carry/delivery-context.ts';
import type { WriteRow } from '#db/carry/writes.ts';
import { isReceived } from './what-leaves.ts';

/**
 * Returns the marker of a step. If a step was promised before, all steps keep its base: they may already be at the
 * desk.
 */
export function markerOf(context: DeliveryContext, step: number, rows: readonly Pick<WriteRow, 'marker'>[]): string {
  const [before] = rows;
  return stepMarker(before === undefined ? madeOf(context) : baseOf(before.marker), step);
}

function madeOf(context: DeliveryContext): string {
  const { delivery, action, mirror } = context;
  // After a restore our actions get new ids, and so may an action from elsewhere whose id is taken; the mark survives
  // that.
  const mark = action.mark ?? (isFromElsewhere(context) ? JSON.stringify([action.origin, action.said]) : null);
  const where = { link: mirror.link, receiver: delivery.to };
  return mark === null ? delivery.id : markerBase(mark, where, writingOf(context));
}

/** Returns the marker that versions without the link in it used; null if they had none. */
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

/** Tells whether the other gateway may have it under another id: one of the two was restored since it was recorded. */
export function mayBeSent(context: DeliveryContext): boolean {
  return context.delivery.kind === 'action' && isBeforeResumed(context) && !isReceived(context);
}
