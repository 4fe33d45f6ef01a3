/** Decides what it proves if a ticket is missing when it is read or written, and when to look again. */
import type { Ref } from '#core/words/vocabulary.ts';
import { ticketGone } from '#db/log/ticket-life.ts';
import { isLookedFor, lookAgain, lookForStranger, neighboursOf, noteMissing } from '#db/operate/missing.ts';
import type { DrivenDesk, WorkDeps } from '#activities/deps.ts';

/** A ticket that stays missing this long counts as deleted if the same account can see its neighbours. Milliseconds. */
export const provenMs = 24 * 3_600_000;
const shortestMs = 15_000;
const longestMs = { open: 30 * 60_000, closed: 6 * 3_600_000 };
const neighboursAsked = 3;

/** Returns the delay until the next look, in milliseconds; null if it was deleted or concerns nobody. */
export async function notThere(
  deps: WorkDeps,
  desk: DrivenDesk,
  ticket: Ref,
  signal: AbortSignal,
): Promise<number | null> {
  if (!(await isLookedFor(deps.db, ticket))) {
    // Somebody may have escalated it: a replica of the desk may show it in a moment, or a restored permission may.
    if ((await desk.helpdesk.isDeleted?.(ticket.externalId, signal)) !== true) await lookForStranger(deps.db, ticket);
    return null;
  }
  const isDeleted = (await desk.helpdesk.isDeleted?.(ticket.externalId, signal)) === true;
  const beside = isDeleted || (await seesNeighbour(deps, desk, ticket, signal));
  const { missing, wake } = await deps.db.transaction(async (tx) => {
    const found = await noteMissing(tx, ticket, desk.name, beside);
    const isProven = isDeleted || (found?.besideMs ?? 0) >= provenMs;
    return { missing: found, wake: isProven ? await ticketGone(tx, ticket, desk.name) : null };
  });
  if (wake !== null) deps.wake(wake);
  const most = wake === null ? longestMs.open : longestMs.closed;
  const delayMs = Math.min(Math.max((missing?.forMs ?? 0) / 4, shortestMs), most);
  await lookAgain(deps.db, ticket, delayMs);
  return wake === null ? delayMs : null;
}

/** Tells whether the account that can't see this ticket sees others, so that missing permissions are not the cause. */
async function seesNeighbour(
  { db }: Pick<WorkDeps, 'db'>,
  { helpdesk }: DrivenDesk,
  ticket: Ref,
  signal: AbortSignal,
): Promise<boolean> {
  for (const { ticket: other, since, floor } of await neighboursOf(db, ticket, neighboursAsked)) {
    const reading = await helpdesk.read(other, since, signal, floor ?? undefined);
    if (reading.kind === 'ticket') return true;
  }
  return false;
}
