/** The timeline of a ticket across both sides. */
import { ticketRef } from '#core/words/ref.ts';
import { findTicket, loadTrace } from '#db/operate/trace.ts';
import { assertInstance } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, reaches } from '#operate/rights.ts';
import { timelineOf, type Timeline } from './timeline.ts';

export type TraceOptions = {
  /** Include names and the texts of notes. */
  readonly notes?: boolean;
  /** Return an empty timeline for an unknown ticket. */
  readonly awaited?: boolean;
};

/** Reads a timeline. @param ticket its id or number @throws Refused unknown-instance, unknown-ticket */
export async function trace(
  operator: Operator,
  instance: string,
  ticket: string,
  options: TraceOptions = {},
): Promise<Timeline> {
  allow(operator, 'trace');
  const { db, actor } = operator;
  if (options.notes === true) allow(operator, 'read-notes');
  await assertInstance(db, instance, 'None is set up yet, see ferry apply.');
  const found = await findTicket(db, instance, ticket);
  if (found === null && options.awaited !== true) throw unknown(instance, ticket);
  const ref = found ?? ticketRef(instance, ticket);
  const events = await loadTrace(db, ref, { notes: options.notes ?? false });
  const timeline = timelineOf(instance, ref.externalId, events);
  // A ticket may be mirrored on several links; an actor who is in charge of only some of them sees nothing of it.
  const isWithin = timeline.mirrors.length > 0 && timeline.mirrors.every(({ link }) => reaches(actor, link));
  if (actor.reach !== 'all' && !isWithin) throw unknown(instance, ticket);
  return timeline;
}

function unknown(instance: string, ticket: string): Refused {
  return new Refused(
    'unknown-ticket',
    'unknown',
    `Ferry has seen nothing of ticket "${ticket}" of ${instance}: nothing has happened on it since Ferry started reading ${instance}, or it is not mirrored and its entries were deleted after 7 days; ferry status shows when ${instance} was last read`,
  );
}
