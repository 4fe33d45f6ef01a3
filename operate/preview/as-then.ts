/**
 * A delivery as it was when its action was recorded, for one that has ended: its mirror open, or about to be opened by
 * it, and nothing known of the receiving ticket that could make a change look done already. Pure.
 */
import type { DeliveryContext } from '#db/carry/delivery-context.ts';

/** Shadow mode and pauses are left out as well: what is asked is what would be done. */
export function asThen(context: DeliveryContext): DeliveryContext {
  const { delivery, mirror, to } = context;
  const opens = delivery.escalation && mirror.openedBy === context.action.id;
  const end = { ...to, snapshot: null, ...(opens ? { ticketId: null, number: null, url: null } : {}) };
  const { ticketId, number, url } = end;
  // Only the supplier's ticket is ever to be opened.
  const ends =
    to.side === 'supplier'
      ? { ...mirror.ends, supplier: { ...mirror.ends.supplier, ticketId, number, url } }
      : mirror.ends;
  return {
    ...context,
    delivery: { ...delivery, heldAt: null, heldMs: null, releasedAt: null, quiet: false },
    mirror: {
      ...mirror,
      ends,
      state: opens ? 'opening' : 'open',
      shadow: false,
      mode: 'live',
      closeReason: null,
      closedAt: null,
      paused: false,
      superseded: false,
      resumedAt: null,
    },
    to: end,
  };
}
