/**
 * Finishes a delivery after its last step: reads the ticket back, settles the writes, logs what people did in the
 * meantime, and ends the delivery, all in one transaction. A success status proves nothing; only the read-back does.
 */
import { changesAnything } from '#core/conversation/meet.ts';
import { fromTheBeginning } from '#core/log/position.ts';
import { changedAlone, fieldsNotTaken, isSeen, statusAlone, statusUndone } from '#core/log/read-back.ts';
import { must } from '#core/words/must.ts';
import { reason } from '#core/words/reasons.ts';
import { refAt } from '#core/words/ref.ts';
import type { Changed, Command, Reason, TicketSnapshot } from '#core/words/vocabulary.ts';
import { scheduleHint } from '#db/log/claim-hints.ts';
import type { Tx } from '#db/base/client.ts';
import { isBeforeResumed } from '#db/carry/delivery-context.ts';
import { forgetUncarried } from '#db/links/link-compare.ts';
import type { LockedTicket } from '#db/log/locked-ticket.ts';
import type { LogReadingInput, LogReadingResult } from '#db/log/log-reading.ts';
import { moveMirrorsOn } from '#db/log/mirror-life.ts';
import { bindTicket, endDelivery, type Ended, type Ending } from '#db/carry/outcome.ts';
import { inTransaction } from '#db/base/transaction.ts';
import { markMade, seenOf, type Plan, type PromiseRef } from '#db/carry/writes.ts';
import type { Written } from '#core/words/desk.ts';
import type { Applied, Pending, StepRun } from './apply-run.ts';
import { endAs, endedBy, reported } from './end.ts';
import { ignored } from './ignored.ts';
import { make } from './make-step.ts';
import { meeting } from './met.ts';
import { observe, readBack, type ReadBack } from '#activities/watch/observe.ts';

/**
 * If a desk confirms a write but does not show it, it is read again after this long, doubling each time. Milliseconds.
 */
const lookAgainMs = 300;
const lookAgainMostMs = 2_000;
/** At most this many further reads while the log is ahead of what the desk shows. */
const looksMost = 3;
/** Steps beyond the plan's own, after which somebody has to look. */
const correctionsMost = 4;

/**
 * Reads the ticket back and ends the delivery in the same transaction. `corrections`: steps made so far beyond the
 * plan's own.
 */
export async function settle(
  run: StepRun,
  plan: Plan,
  ticketId: string,
  last: Pending | null,
  corrections: number,
): Promise<Applied> {
  const { deps, desk, context } = run;
  const ticket = refAt(context.to, ticketId);
  const created = context.delivery.escalation && context.delivery.kind === 'action';
  const writtenMs = performance.now();
  // Reads may go to a replica that lags by this long: what it shows predates our write and proves nothing.
  const mayTrail = (): boolean => performance.now() - writtenMs < desk.helpdesk.traits.settleMs;
  for (let look = 0; ; look += 1) {
    const from = created ? fromTheBeginning : context.to.readFrom;
    const back = await readBack(
      deps,
      desk,
      ticket,
      from,
      created,
      AbortSignal.timeout(desk.helpdesk.traits.writeTimeoutMs),
    );
    if (back.kind !== 'ticket') {
      const ended = await endUnread(run, plan, last);
      // The ticket was merged or deleted in the meantime: the mirror must know before our write is seen elsewhere.
      await observe(deps, ticket, AbortSignal.timeout(desk.helpdesk.traits.writeTimeoutMs)).catch(() =>
        scheduleHint(deps.db, ticket, 0),
      );
      return ended;
    }
    const { snapshot } = back;
    noteDates(run, back, last);
    const steps = plan.steps;
    const result = await withReading(run, back, last, async (tx, logged, own) => {
      const seen =
        last === null ||
        last.found === true ||
        isSeen(context.delivery.id, last, steps[last.index], logged, snapshot) ||
        (await seenOf(tx, desk.instance, ticketId, context.delivery.id, last.index)).length > 0;
      if (!seen && context.delivery.releasedAt === null) {
        return { kind: look === 0 || mayTrail() ? 'look-again' : 'unseen', wake: logged.wake } as const;
      }
      const met = await meeting(run, tx, plan, corrections, back.read, snapshot, logged);
      const since = { seen: logged.seen, people: met.people };
      const undone = statusUndone(plan.command, snapshot, since);
      // A write that may have been made long ago is not corrected: the search for what followed it is not complete.
      const mayWrite = context.delivery.releasedAt === null && !isBeforeResumed(context);
      const isOff = undone !== null || changesAnything(met.again);
      if (isOff && met.stale && look < looksMost) return { kind: 'look-again', wake: logged.wake } as const;
      if (isOff && mayTrail() && !(await shows(tx, run, last, steps, logged)))
        return { kind: 'look-again', wake: logged.wake } as const;
      if (undone !== null && mayWrite) return { kind: 'undone', status: undone, wake: logged.wake } as const;
      if (changesAnything(met.again) && mayWrite && corrections < correctionsMost) {
        return { kind: 'again', changed: met.again, drops: met.drops, wake: logged.wake } as const;
      }
      const notTaken = [
        ...fieldsNotTaken(plan.command, snapshot, since),
        ...namesOf(met.again),
        ...(undone === null ? [] : [undone]),
      ].map((name) => reason('not-taken', { desk: desk.name, name }));
      const drops = [...withNew(plan.drops, met.drops), ...notTaken];
      const asMet = { ...plan, command: met.command, drops };
      const { wake, isLast, marked } = await endInside(run, tx, asMet, { last, own: own.made }, logged);
      return { kind: 'ended', isLast, marked, wake: [...logged.wake, ...wake] } as const;
    }).catch((error: unknown) => {
      if (error instanceof OvertakenError) return null;
      throw error;
    });
    if (result === null) return lost(run);
    deps.wake(result.wake);
    if (result.kind === 'ended') {
      return reported(run, 'applied', null, { isLast: await result.isLast, ...(await result.marked) });
    }
    if (result.kind === 'look-again') {
      await new Promise((resolve) => setTimeout(resolve, Math.min(lookAgainMs * 2 ** look, lookAgainMostMs)));
      continue;
    }
    // The desk confirmed it but does not show it: its fate is unknown.
    if (result.kind === 'unseen') return { kind: 'hold', reason: reason('not-taken', { desk: desk.name }) };
    // An automation undid our status: it is set once more; after that somebody has to look.
    if (result.kind === 'undone' && corrections > 0) {
      return { kind: 'hold', reason: reason('not-taken', { desk: desk.name, name: result.status }) };
    }
    const wanted =
      result.kind === 'undone'
        ? statusAlone(plan.command, ticketId)
        : changedAlone(plan.command, ticketId, result.changed ?? { fields: {} });
    const drops = withNew(plan.drops, result.kind === 'again' ? result.drops : []);
    return writeAgain(run, { ...plan, drops }, wanted, { ticketId, last, corrections, snapshot });
  }
}

/** Passes on the dates that the desk gave to our writes, to measure its clock. */
function noteDates({ desk }: StepRun, back: Extract<ReadBack, { kind: 'ticket' }>, last: Pending | null): void {
  if (last?.around === undefined) return;
  const { sentAt, gotAt } = last.around;
  for (const { externalId, at } of back.actions)
    if (last.made.actionIds.includes(externalId)) desk.clock?.dated(at, sentAt, gotAt);
}

/** Another drain has promised the write again; the ticket that it opened is the one that counts. */
class OvertakenError extends Error {
  override readonly name = 'OvertakenError';
}

function lost(run: StepRun): Extract<Applied, { kind: 'lost' }> {
  ignored(run, 'made');
  return { kind: 'lost' };
}

function promiseOf({ context, promised }: StepRun, step: number): PromiseRef {
  return { delivery: context.delivery.id, step, promisedAt: must(promised.get(step), 'the promise of a write') };
}

/** Tells whether a read of the ticket has shown an action of our last step, if the step leaves one. */
async function shows(
  tx: Tx,
  { desk, context }: StepRun,
  last: Pending | null,
  steps: Plan['steps'],
  logged: LogReadingResult,
): Promise<boolean> {
  if (last === null || (steps[last.index]?.fingerprints.length ?? 0) === 0) return true;
  const { id } = context.delivery;
  if (logged.seen.has(`${id}/${last.index}`)) return true;
  return (await seenOf(tx, desk.instance, last.made.ticketId, id, last.index)).length > 0;
}

type SoFar = {
  readonly ticketId: string;
  readonly last: Pending | null;
  readonly corrections: number;
  readonly snapshot: TicketSnapshot;
};

/** Writes the values that the ticket lacks, in steps beyond the plan's own, and reads the ticket back again. */
async function writeAgain(run: StepRun, plan: Plan, wanted: Command, soFar: SoFar): Promise<Applied> {
  const { ticketId, snapshot } = soFar;
  let { last, corrections } = soFar;
  let { command, drops } = plan;
  const steps = [...plan.steps];
  for (const step of run.desk.helpdesk.steps(wanted)) {
    const index = steps.length;
    steps.push(step);
    corrections += 1;
    const at = { index, step, row: undefined, last: true, isCorrection: true, snapshot };
    const done = await make(run, plan, at);
    if (done.kind === 'refused') {
      // The desk refuses only this part; what it accepted of the rest stays.
      drops = [...drops, done.reason];
      if (step.command.status !== undefined) command = withoutStatus(command);
      continue;
    }
    if (done.kind !== 'made') return done;
    // The read-back marks only the last step.
    if (last !== null && last.index >= plan.steps.length) {
      if (!(await markMade(run.deps.db, promiseOf(run, last.index), last.made))) return lost(run);
    }
    last = { index, made: done.made, opened: last?.opened ?? null };
  }
  return settle(run, { ...plan, command, drops, steps }, ticketId, last, corrections);
}

function withoutStatus({ status: _status, ...command }: Command): Command {
  return command;
}

function withNew(drops: readonly Reason[], more: readonly Reason[]): readonly Reason[] {
  return [...drops, ...more.filter(({ text }) => drops.every((one) => one.text !== text))];
}

function namesOf(changed: Changed): string[] {
  const { fields, ...plain } = changed;
  return [...Object.values(plain).map(String), ...Object.keys(fields)];
}

/**
 * Logs the reading and does what follows from it in one transaction. The desk's answer to our write is kept in any
 * case; if the delivery ends, in the same transaction.
 */
function withReading<Result extends { readonly kind: string }>(
  run: StepRun,
  back: Extract<ReadBack, { kind: 'ticket' }>,
  last: Pending | null,
  work: (tx: Tx, logged: LogReadingResult, own: OwnReading) => Promise<Result>,
): Promise<Result> {
  const { deps } = run;
  const inside = async (tx: Tx, locked?: LockedTicket): Promise<Result> => {
    const own = ownWrite(tx, run, last);
    const result = await work(tx, await back.log(tx, own, locked), own);
    if (result.kind !== 'ended' && own.made !== undefined) await markMade(tx, own.made, own.made.made);
    return result;
  };
  return last?.opened == null ? deps.together(back.read, inside) : inTransaction(deps.db, (tx) => inside(tx));
}

type OwnReading = Pick<LogReadingInput, 'first' | 'made'>;

/** Builds what the read-back is compared with. A ticket just opened is bound first, so that its mirror is found. */
function ownWrite(tx: Tx, run: StepRun, last: Pending | null): OwnReading {
  if (last === null) return {};
  const { context } = run;
  const { opened, index, made } = last;
  const promise = promiseOf(run, index);
  if (opened === null) return { made: { ...promise, made } };
  return {
    first: async () => {
      if (!(await markMade(tx, promise, made))) throw new OvertakenError();
      await bindTicket(tx, context, openedTicket(opened));
      if (isBeforeResumed(context)) await forgetUncarried(tx, refAt(context.to, opened.ticketId));
    },
  };
}

/** Ends the delivery in the transaction of its own read-back. */
async function endInside(
  run: StepRun,
  tx: Tx,
  plan: Plan,
  { last, own }: { readonly last: Pending | null; readonly own: LogReadingInput['made'] },
  logged: LogReadingResult,
): Promise<Ended> {
  const { deps, context, startedMs } = run;
  const ended = await endDelivery(tx, deps.cache, context, {
    ...endingOf(plan, last),
    outcome: 'applied',
    reason: null,
    durationMs: performance.now() - startedMs,
    alone: logged.mirrors.length <= 1,
    // The reading locks the delivery only if it knows its write.
    locked: own !== undefined && logged.mirrors.includes(context.mirror.id),
    by: endedBy(run),
    ...(own === undefined ? {} : { made: own }),
  });
  if (plan.command.status !== undefined) await moveMirrorsOn(tx, [context.mirror.id]);
  return ended;
}

/** Ends the delivery if its ticket can't be read back. */
function endUnread(run: StepRun, plan: Plan, last: Pending | null): Promise<Applied> {
  return endAs(run, 'applied', null, {
    ...endingOf(plan, last),
    before: async (tx) => {
      if (last !== null) await markMade(tx, promiseOf(run, last.index), last.made);
    },
  });
}

function endingOf(
  { command, drops, versions, constant }: Plan,
  last: Pending | null,
): Pick<Ending, 'drops' | 'versions' | 'command' | 'constant' | 'opened'> {
  return {
    drops,
    versions,
    command: last === null ? command : { ...command, ticketId: last.made.ticketId },
    ...(constant === undefined ? {} : { constant }),
    ...(last?.opened == null ? {} : { opened: openedTicket(last.opened) }),
  };
}

function openedTicket(made: Written): { ticketId: string; number: string; url: string } {
  return { ticketId: made.ticketId, number: made.number ?? made.ticketId, url: made.url ?? '' };
}
