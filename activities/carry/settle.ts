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
import type { Changed, Command, Reason, Ref, TicketSnapshot } from '#core/words/vocabulary.ts';
import { scheduleHint } from '#db/log/claim-hints.ts';
import { isBeforeResumed } from '#db/carry/delivery-context.ts';
import { forgetUncarried } from '#db/links/link-compare.ts';
import type { LockedTicket } from '#db/log/locked-ticket.ts';
import type { LogReadingInput, LogReadingResult } from '#db/log/log-reading.ts';
import { moveMirrorsOn } from '#db/log/mirror-life.ts';
import { bindTicket, endDelivery, type Ended, type Ending } from '#db/carry/outcome.ts';
import { inUnitOfWork, type UnitOfWork } from '#db/base/unit-of-work.ts';
import { markMade, seenOf, type OwnWrite, type Plan, type PromiseRef } from '#db/carry/writes.ts';
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
 * Looks at the ticket, judges what it shows, in the transaction that ends the delivery, and corrects what it does not show as
 * it has to be. `corrections`: steps made so far behind the plan's own.
 */
export async function settle(
  run: StepRun,
  plan: Plan,
  ticketId: string,
  last: Pending | null,
  corrections: number,
): Promise<Applied> {
  const { deps, desk, context } = run;
  const { settleMs, writeTimeoutMs } = desk.helpdesk.traits;
  const ticket = refAt(context.to, ticketId);
  const created = context.delivery.escalation && context.delivery.kind === 'action';
  const writtenMs = performance.now();
  // A replica that readers are sent to may be so late: what it shows is from before our write, and no proof of anything.
  const mayTrail = (): boolean => performance.now() - writtenMs < settleMs;
  for (let look = 0; ; look += 1) {
    const from = created ? fromTheBeginning : context.to.readFrom;
    const back = await readBack(deps, desk, ticket, from, created, AbortSignal.timeout(writeTimeoutMs));
    if (back.kind !== 'ticket') return endUnread(run, plan, ticket, last);
    noteDates(run, back, last);
    const judged = await judge(run, plan, back, { last, look, corrections, mayTrail }).catch((error: unknown) => {
      if (error instanceof OvertakenError) return null;
      throw error;
    });
    if (judged === null) return lost(run);
    deps.wake(judged.wake);
    if (judged.kind === 'ended') return reported(run, 'applied', null, judged.marked.get());
    if (judged.kind !== 'look-again')
      return correct(run, plan, judged, { ticketId, last, corrections, snapshot: back.snapshot });
    await new Promise((resolve) => setTimeout(resolve, Math.min(lookAgainMs * 2 ** look, lookAgainMostMs)));
  }
}

type Look = {
  readonly last: Pending | null;
  /** 0 for the first. */
  readonly look: number;
  readonly corrections: number;
  mayTrail(): boolean;
};

type Judged = { readonly wake: readonly string[] } & (
  | { readonly kind: 'ended'; readonly marked: Ended['marked'] }
  /** What it shows may be from before our write. */
  | { readonly kind: 'look-again' }
  /** It was confirmed and is not there. */
  | { readonly kind: 'unseen' }
  /** An automation undid our status. */
  | { readonly kind: 'undone'; readonly status: string }
  /** Of what both sides have changed, the ticket does not show what has to win. */
  | { readonly kind: 'again'; readonly changed: Changed; readonly drops: readonly Reason[] }
);

/** Logs the reading and says what it proves; ends the delivery where it proves that all is done. */
function judge(
  run: StepRun,
  plan: Plan,
  back: Extract<ReadBack, { kind: 'ticket' }>,
  { last, look, corrections, mayTrail }: Look,
): Promise<Judged> {
  const { desk, context } = run;
  const { snapshot } = back;
  const { delivery } = context;
  const steps = plan.steps;
  return withReading<Judged>(run, back, last, async (unit, logged, own) => {
    const { wake } = logged;
    const seen =
      last === null ||
      last.found === true ||
      isSeen(delivery.id, last, steps[last.index], logged, snapshot) ||
      (await seenOf(unit.tx, desk.instance, back.read.ref.externalId, delivery.id, last.index)).length > 0;
    if (!seen && delivery.releasedAt === null)
      return { kind: look === 0 || mayTrail() ? 'look-again' : 'unseen', wake };
    const met = await meeting(run, unit, plan, corrections, back.read, snapshot, logged);
    const since = { seen: logged.seen, people: met.people };
    const undone = statusUndone(plan.command, snapshot, since);
    // A write that may have been made long ago is not corrected: the search for what followed it is not complete.
    const mayWrite = delivery.releasedAt === null && !isBeforeResumed(context);
    const isOff = undone !== null || changesAnything(met.again);
    if (isOff && met.stale && look < looksMost) return { kind: 'look-again', wake };
    if (isOff && mayTrail() && !(await shows(unit, run, last, steps, logged))) return { kind: 'look-again', wake };
    if (undone !== null && mayWrite) return { kind: 'undone', status: undone, wake };
    if (changesAnything(met.again) && mayWrite && corrections < correctionsMost)
      return { kind: 'again', changed: met.again, drops: met.drops, wake };
    const notTaken = [
      ...fieldsNotTaken(plan.command, snapshot, since),
      ...namesOf(met.again),
      ...(undone === null ? [] : [undone]),
    ].map((name) => reason('not-taken', { desk: desk.name, name }));
    const drops = [...withNew(plan.drops, met.drops), ...notTaken];
    const asMet = { ...plan, command: met.command, drops };
    const ended = await endInside(run, unit, asMet, { last, own: own.made }, logged);
    return { kind: 'ended', marked: ended.marked, wake: [...wake, ...ended.wake] };
  });
}

/** Writes what the ticket has to be and is not, once more; or has somebody look. */
function correct(
  run: StepRun,
  plan: Plan,
  judged: Extract<Judged, { kind: 'unseen' | 'undone' | 'again' }>,
  soFar: SoFar,
): Applied | Promise<Applied> {
  const { name: desk } = run.desk;
  // The desk confirmed it but does not show it: its fate is unknown.
  if (judged.kind === 'unseen') return { kind: 'hold', reason: reason('not-taken', { desk }) };
  if (judged.kind === 'again') {
    const wanted = changedAlone(plan.command, soFar.ticketId, judged.changed);
    return writeAgain(run, { ...plan, drops: withNew(plan.drops, judged.drops) }, wanted, soFar);
  }
  // It is set once more, then somebody has to look.
  if (soFar.corrections > 0) return { kind: 'hold', reason: reason('not-taken', { desk, name: judged.status }) };
  return writeAgain(run, plan, statusAlone(plan.command, soFar.ticketId), soFar);
}

/** When the desk says that we have done what we have just done. */
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
  unit: UnitOfWork,
  { desk, context }: StepRun,
  last: Pending | null,
  steps: Plan['steps'],
  logged: LogReadingResult,
): Promise<boolean> {
  if (last === null || (steps[last.index]?.fingerprints.length ?? 0) === 0) return true;
  const { id } = context.delivery;
  if (logged.seen.has(`${id}/${last.index}`)) return true;
  return (await seenOf(unit.tx, desk.instance, last.made.ticketId, id, last.index)).length > 0;
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
  work: (unit: UnitOfWork, logged: LogReadingResult, own: OwnReading) => Promise<Result>,
): Promise<Result> {
  const { deps } = run;
  const inside = async (unit: UnitOfWork, locked?: LockedTicket): Promise<Result> => {
    const own = ownWrite(unit, run, last);
    const result = await work(unit, await back.log(unit, own, locked), own);
    if (result.kind !== 'ended' && own.made !== undefined) await markMade(unit.tx, own.made, own.made.made);
    return result;
  };
  return last?.opened == null ? deps.together(back.read, inside) : inUnitOfWork(deps.db, (unit) => inside(unit));
}

type OwnReading = Pick<LogReadingInput, 'first'> & { readonly made?: OwnWrite };

/** Builds what the read-back is compared with. A ticket just opened is bound first, so that its mirror is found. */
function ownWrite(unit: UnitOfWork, run: StepRun, last: Pending | null): OwnReading {
  if (last === null) return {};
  const { context } = run;
  const { opened, index, made } = last;
  const promise = promiseOf(run, index);
  if (opened === null) return { made: { ...promise, made } };
  return {
    first: async () => {
      if (!(await markMade(unit.tx, promise, made))) throw new OvertakenError();
      await bindTicket(unit.tx, context, openedTicket(opened));
      if (isBeforeResumed(context)) await forgetUncarried(unit.tx, refAt(context.to, opened.ticketId));
    },
  };
}

/** Ends the delivery in the transaction of its own read-back. */
async function endInside(
  run: StepRun,
  unit: UnitOfWork,
  plan: Plan,
  { last, own }: { readonly last: Pending | null; readonly own: OwnWrite | undefined },
  logged: LogReadingResult,
): Promise<Ended> {
  const { deps, context, startedMs } = run;
  const ended = await endDelivery(unit, deps.cache, context, {
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
  if (plan.command.status !== undefined) await moveMirrorsOn(unit.tx, [context.mirror.id]);
  return ended;
}

/** Ends the delivery if its ticket can't be read back. */
async function endUnread(run: StepRun, plan: Plan, ticket: Ref, last: Pending | null): Promise<Applied> {
  const { deps, desk } = run;
  const ended = await endAs(run, 'applied', null, {
    ...endingOf(plan, last),
    before: async (tx) => {
      if (last !== null) await markMade(tx, promiseOf(run, last.index), last.made);
    },
  });
  // Merged or deleted meanwhile: the mirror learns it before what we wrote is met elsewhere.
  await observe(deps, ticket, AbortSignal.timeout(desk.helpdesk.traits.writeTimeoutMs)).catch(() =>
    scheduleHint(deps.db, ticket, 0),
  );
  return ended;
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
