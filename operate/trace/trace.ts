/** The timeline of a ticket across both sides. */
import { ticketRef } from '#core/words/ref.ts';
import { findTicket, loadTrace } from '#db/operate/trace.ts';
import { assertInstance } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, reaches } from '#operate/rights.ts';
import { timelineOf, type Timeline } from './timeline.ts';

export type TraceOptions = {
  /** With names and the texts of notes. */
  readonly notes?: boolean;
  /** A ticket of which nothing is known yet has an empty timeline. */
  readonly awaited?: boolean;
};

/** @param ticket its id or number @throws Refused unknown-instance, unknown-ticket */
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
  // A ticket may be mirrored on several links; who is in charge of some of them sees none of it.
  const isWithin = timeline.mirrors.length > 0 && timeline.mirrors.every(({ link }) => reaches(actor, link));
  if (actor.reach !== 'all' && !isWithin) throw unknown(instance, ticket);
  return timeline;
}

function unknown(instance: string, ticket: string): Refused {
  return new Refused(
    'unknown-ticket',
    'unknown',
    `Ferry has seen nothing of ticket "${ticket}" of ${instance}: either nothing has happened on it since Ferry began to read ${instance}, or it is not mirrored and what was kept of it for 7 days is deleted; ferry status shows when ${instance} was last read`,
  );
}
