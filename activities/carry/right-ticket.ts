/**
 * Checks that the ticket to be written to is really the mirror's: it carries the reference to the far ticket that Ferry
 * wrote there. A ticket with the same number at another helpdesk, or in a restored one, does not.
 */
import { reason } from '#core/words/reasons.ts';
import { refAt } from '#core/words/ref.ts';
import { bearsReference } from '#core/words/reference.ts';
import type { Reason, TicketSnapshot } from '#core/words/vocabulary.ts';
import { observe } from '#activities/watch/observe.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { isReferenceUnderWay } from '#db/log/receipts.ts';
import { lastSnapshot } from '#db/log/ticket-life.ts';
import type { DrivenDesk, WorkDeps } from '#activities/deps.ts';

/** A ticket whose last read is older is read again before it is written to. Milliseconds. */
const freshMs = 60_000;

export type RightTicket =
  | { readonly kind: 'right'; readonly snapshot: TicketSnapshot | null }
  | { readonly kind: 'wrong'; readonly reason: Reason; readonly snapshot: TicketSnapshot | null };

/** Throws HelpdeskError if the ticket can't be read. `snapshot`: the last reading, perhaps a new one. */
export async function rightTicket(
  deps: WorkDeps,
  { helpdesk }: DrivenDesk,
  context: DeliveryContext,
  signal: AbortSignal,
): Promise<RightTicket> {
  const { delivery, from, to, now } = context;
  const { ticketId, readAt } = to;
  if (ticketId === null || helpdesk.traits.showsReferences !== true) return { kind: 'right', snapshot: to.snapshot };
  const ref = refAt(to, ticketId);
  const isFresh = readAt !== null && Date.parse(now) - Date.parse(readAt) <= freshMs;
  if (!isFresh) await observe(deps, ref, signal);
  const snapshot = isFresh ? to.snapshot : await lastSnapshot(deps.db, ref);
  // Somebody has checked it, or this delivery brings the reference.
  if (delivery.releasedAt !== null || bringsReference(context)) return { kind: 'right', snapshot };
  // After a merge the mirror keeps the number it began with, and the surviving ticket names what it named before.
  if (snapshot === null || (to.number !== null && snapshot.number !== to.number)) return { kind: 'right', snapshot };
  if (bearsReference(snapshot.references, from) !== false) return { kind: 'right', snapshot };
  // Somebody may have restored the reference a moment ago and asked us to look again.
  const again = isFresh ? await readNow(deps, ref, signal) : snapshot;
  if (bearsReference(again?.references, from) !== false) return { kind: 'right', snapshot: again };
  // People who write at the far ticket as soon as it exists may be faster than the receipt that names it here.
  if (await isReferenceUnderWay(deps.db, context.mirror.id, to.instance)) return { kind: 'right', snapshot: again };
  const why = reason('other-ticket', { desk: to.name, number: from.number ?? undefined });
  return { kind: 'wrong', reason: why, snapshot: again };
}

async function readNow(
  deps: WorkDeps,
  ref: Parameters<typeof lastSnapshot>[1],
  signal: AbortSignal,
): Promise<TicketSnapshot | null> {
  await observe(deps, ref, signal);
  return lastSnapshot(deps.db, ref);
}

/** Tells whether the delivery writes the far ticket's number: the receipt of an escalation does. */
function bringsReference({ delivery }: DeliveryContext): boolean {
  return delivery.kind === 'receipt' && delivery.receipt?.escalation === true;
}
