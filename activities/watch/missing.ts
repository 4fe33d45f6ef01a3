/** A ticket that is not there when it is read or written: what that proves, and when it is looked for again. */
import type { Ref } from '#core/words/vocabulary.ts';
import { ticketGone } from '#db/log/ticket-life.ts';
import { isLookedFor, lookAgain, lookForStranger, neighboursOf, noteMissing } from '#db/operate/missing.ts';
import type { DrivenDesk, WorkDeps } from '#activities/deps.ts';

/** Absence beside neighbours that the same account sees proves a deletion after this long. Milliseconds. */
export const provenMs = 24 * 3_600_000;
const shortestMs = 15_000;
const longestMs = { open: 30 * 60_000, closed: 6 * 3_600_000 };
const neighboursAsked = 3;

/** Returns after how long it is looked for again, in milliseconds; null: it was deleted, or concerns nobody. */
export async function notThere(
  deps: Pick<WorkDeps, 'db' | 'wake'>,
  desk: DrivenDesk,
  ticket: Ref,
  signal: AbortSignal,
): Promise<number | null> {
  if (!(await isLookedFor(deps.db, ticket))) {
    // Somebody may have escalated it: what one of the desk's copies shows in a moment, or a right that comes back, tells.
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

/** The account that does not see this one sees others, so its rights are not what is missing. */
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
