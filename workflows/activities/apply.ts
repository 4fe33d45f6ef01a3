/**
 * Carries out a decided command in the helpdesk, step by step: promise, request, and once at the end a read-back that
 * settles the writes in the outcome's own transaction. Starts anywhere: what a killed worker left is judged first.
 */
import { HelpdeskError, type Step, type Written } from '#connectors/helpdesk.ts';
import { reason } from '#core/reasons.ts';
import type { Attachment, Command, Reason, TicketSnapshot } from '#core/vocabulary.ts';
import type { DeliveryContext } from '#db/delivery-context.ts';
import type { LogReadingInput, LogReadingResult } from '#db/log-reading.ts';
import { moveMirrorsOn } from '#db/mirror-life.ts';
import { bindTicket, endDelivery } from '#db/outcome.ts';
import { markAbsent, markMade, promiseWrite, type Made, type Plan, type WriteRow } from '#db/writes.ts';
import type { Desk, WorkDeps } from './deps.ts';
import { readBack } from './observe.ts';
import { fieldsNotTaken, isSeen, statusStep, whoseStatus } from './verify.ts';

export type ApplyRun = {
  readonly deps: WorkDeps;
  readonly desk: Desk;
  readonly epoch: number;
  readonly context: DeliveryContext;
  readonly startedMs: number;
  /** Serialises creations where the helpdesk needs it. */
  oneAtATime<Result>(work: () => Promise<Result>): Promise<Result>;
};

export type Applied =
  | { readonly kind: 'ended' }
  | { readonly kind: 'later'; readonly delayMs: number }
  /** Another drain owns the courier. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'hold'; readonly reason: Reason };

/** Milliseconds until a ticket on which another write is open is tried again. */
const busyMs = 250;
/** A desk that confirms a write and does not show it is looked at again after this long. Milliseconds. */
const lookAgainMs = 300;

/** `rows`: the delivery's writes so far, empty at the first attempt, which looks nothing up. */
export async function apply(run: ApplyRun, plan: Plan, rows: readonly WriteRow[]): Promise<Applied> {
  const steps = plan.steps as readonly Step[];
  const byStep = new Map(rows.map((row) => [row.step, row]));
  const drops = [...plan.drops];
  let ticketId = plan.command.ticketId;
  let last: Pending | null = null;
  let opened: Made | null = null;
  for (const [index, step] of steps.entries()) {
    const done = await carryOut(run, plan, { index, step: aimed(step, ticketId), row: byStep.get(index), last: index === steps.length - 1 });
    if (done.kind === 'refused') {
      if (index === 0) return refuse(run, plan, done.reason);
      drops.push(done.reason);
      continue;
    }
    if (done.kind !== 'made') return done;
    ticketId = done.made.ticketId;
    opened = openedBy(step, done.made) ?? opened;
    last = { index, made: done.made, opened };
  }
  const extra = byStep.get(steps.length);
  if (ticketId === null) return { kind: 'hold', reason: inDoubt(run) };
  return settle(run, { ...plan, drops }, ticketId, last, extra === undefined || extra.state === 'absent' ? 0 : 1);
}

type Pending = { readonly index: number; readonly made: Made; readonly opened: Made | null };

type StepAt = {
  readonly index: number;
  readonly step: Step;
  readonly row: WriteRow | undefined;
  readonly last: boolean;
  /** Read later than the delivery's context. */
  readonly snapshot?: TicketSnapshot;
};

type StepDone =
  | { readonly kind: 'made'; readonly made: Made }
  | { readonly kind: 'refused'; readonly reason: Reason }
  | Extract<Applied, { kind: 'later' | 'lost' | 'hold' }>;

/** One step, from wherever an earlier attempt left it. */
async function carryOut(run: ApplyRun, plan: Plan, at: StepAt): Promise<StepDone> {
  const { row } = at;
  if (row !== undefined && row.state !== 'absent') {
    const judged = await judge(run, at, row);
    if (judged !== null) return judged;
  }
  return at.step.command.open !== undefined && run.desk.helpdesk.traits.serializeCreates
    ? run.oneAtATime(() => make(run, plan, at))
    : make(run, plan, at);
}

/** A write made before: kept where it is known, looked for where it is in doubt. Null: surely absent, make it again. */
async function judge(run: ApplyRun, at: StepAt, row: WriteRow): Promise<StepDone | null> {
  const { deps, desk, context } = run;
  if (row.state !== 'open') return { kind: 'made', made: row.written ?? { ticketId: row.ticket ?? '', actionIds: [] } };
  const { settleMs, writeTimeoutMs } = desk.helpdesk.traits;
  const after = new Date(Date.parse(row.promisedAt) - settleMs).toISOString();
  const found = await desk.helpdesk.find(at.step, row.marker, after, AbortSignal.timeout(writeTimeoutMs));
  if (found !== null) {
    await markMade(deps.db, context.delivery.id, at.index, madeOf(found));
    return { kind: 'made', made: madeOf(found) };
  }
  // Until then the request may still be under way, or its result not yet visible.
  const leftMs = row.leftMs + settleMs;
  if (leftMs > 0) return { kind: 'later', delayMs: leftMs };
  await markAbsent(deps.db, context.delivery.id, at.index);
  return null;
}

async function make(run: ApplyRun, plan: Plan, at: StepAt): Promise<StepDone> {
  const { deps, desk, context, epoch } = run;
  const { index, step } = at;
  const marker = `${context.delivery.id}-${index}`;
  const promised = await promiseWrite(deps.db, {
    delivery: context.delivery.id,
    step: index,
    instance: desk.instance,
    epoch,
    ticket: step.command.ticketId,
    marker,
    fingerprints: step.fingerprints,
    plan: index === 0 ? plan : null,
    timeoutMs: desk.helpdesk.traits.writeTimeoutMs,
  });
  if (promised.kind === 'lost') return { kind: 'lost' };
  if (promised.kind === 'busy') return { kind: 'later', delayMs: busyMs };
  let written: Written;
  try {
    written = await desk.helpdesk.perform(step, {
      marker,
      signal: AbortSignal.timeout(Math.max(Math.ceil(promised.leftMs), 1)),
      link: context.mirror.link,
      snapshot: step.command.ticketId === null ? null : (at.snapshot ?? snapshotHere(context)),
      openStaged: (file: Attachment) => deps.blobs.open(file.sha256 ?? ''),
    });
  } catch (error) {
    if (!(error instanceof HelpdeskError) || error.class === 'in-doubt') {
      // Nobody knows; it is judged once its deadline and the desk's own delays have passed.
      throw error;
    }
    await markAbsent(deps.db, context.delivery.id, index);
    if (error.class === 'refused') return { kind: 'refused', reason: refusedBy(run, error) };
    throw error;
  }
  const made = madeOf(written);
  // The last step is marked together with the read-back; a crash between leaves it in doubt, which is judged.
  if (!at.last) await markMade(deps.db, context.delivery.id, index, made);
  return { kind: 'made', made };
}

/** Reads the ticket back and ends the delivery in the same transaction. `corrections`: status steps made so far. */
async function settle(
  run: ApplyRun,
  plan: Plan,
  ticketId: string,
  last: Pending | null,
  corrections: number,
): Promise<Applied> {
  const { deps, desk, context } = run;
  const created = context.delivery.escalation && context.delivery.kind === 'action';
  for (let look = 0; ; look += 1) {
    const since = created ? null : sinceHere(context);
    const back = await readBack(deps, desk, ticketId, since, created, AbortSignal.timeout(desk.helpdesk.traits.writeTimeoutMs));
    if (back.kind !== 'ticket') return end(run, plan, last, null, []);
    const { snapshot } = back;
    const steps = plan.steps as readonly Step[];
    const result = await deps.db.transaction(async (tx) => {
      const logged = await back.log(tx, ownWrite(tx, context, last));
      if (last !== null && !isSeen(context.delivery.id, last, steps[last.index], logged) && look === 0) {
        return { kind: 'look-again', wake: logged.wake } as const;
      }
      const undone = plan.command.status !== undefined && !sameStatus(plan.command.status, snapshot.status);
      if (undone && whoseStatus(logged) !== 'a person' && context.delivery.releasedAt === null) {
        return { kind: 'undone', wake: logged.wake } as const;
      }
      const notTaken = [
        ...fieldsNotTaken(plan.command, snapshot, logged).map((name) => reason('not-taken', { desk: desk.name, name })),
        ...(undone && whoseStatus(logged) !== 'a person' ? [reason('not-taken', { desk: desk.name, name: plan.command.status ?? '' })] : []),
      ];
      const wake = await endInside(run, tx, plan, last, notTaken, logged);
      return { kind: 'ended', wake: [...logged.wake, ...wake] } as const;
    });
    deps.wake(result.wake);
    if (result.kind === 'ended') return { kind: 'ended' };
    if (result.kind === 'look-again') {
      await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
      continue;
    }
    // An automation undid our status: it is set once more, then somebody has to look.
    if (corrections > 0) {
      return { kind: 'hold', reason: reason('not-taken', { desk: desk.name, name: plan.command.status ?? '' }) };
    }
    const index = steps.length;
    const step = statusStep(desk.helpdesk, plan.command, ticketId);
    const done = await make(run, plan, { index, step, row: undefined, last: true, snapshot });
    if (done.kind === 'refused') {
      // The desk says no to the status alone; what it took of the rest stays.
      const { status: _refused, ...command } = plan.command;
      return settle(run, { ...plan, command, drops: [...plan.drops, done.reason] }, ticketId, last, 1);
    }
    if (done.kind !== 'made') return done;
    return settle(run, { ...plan, steps: [...steps, step] }, ticketId, { index, made: done.made, opened: last?.opened ?? null }, 1);
  }
}

type Tx = Parameters<typeof endDelivery>[0];

/** What the read-back is compared with. A ticket that was opened is bound first, so that its mirror is found. */
function ownWrite(tx: Tx, context: DeliveryContext, last: Pending | null): Pick<LogReadingInput, 'first' | 'made'> {
  if (last === null) return {};
  const { opened, index, made } = last;
  const { id } = context.delivery;
  if (opened === null) return { made: { delivery: id, step: index, made } };
  return {
    first: async () => {
      await bindTicket(tx, context, openedTicket(opened));
      await markMade(tx, id, index, made);
    },
  };
}

async function endInside(
  run: ApplyRun,
  tx: Tx,
  plan: Plan,
  last: Pending | null,
  notTaken: readonly Reason[],
  logged: LogReadingResult | null,
): Promise<string[]> {
  const { deps, context } = run;
  const drops = [...plan.drops, ...notTaken];
  const wake = await endDelivery(tx, deps.cache, context, {
    outcome: 'applied',
    reason: null,
    drops,
    durationMs: performance.now() - run.startedMs,
    versions: plan.versions,
    command: last === null ? plan.command : { ...plan.command, ticketId: last.made.ticketId },
    ...(last?.opened == null ? {} : { opened: openedTicket(last.opened) }),
  });
  if (logged !== null && plan.command.status !== undefined) await moveMirrorsOn(tx, [context.mirror.id]);
  return wake;
}

async function end(
  run: ApplyRun,
  plan: Plan,
  last: Pending | null,
  logged: LogReadingResult | null,
  notTaken: readonly Reason[],
): Promise<Applied> {
  const wake = await run.deps.db.transaction(async (tx) => {
    if (last !== null) await markMade(tx, run.context.delivery.id, last.index, last.made);
    return endInside(run, tx, plan, last, notTaken, logged);
  });
  run.deps.wake(wake);
  return { kind: 'ended' };
}

async function refuse(run: ApplyRun, plan: Plan, why: Reason): Promise<Applied> {
  const { deps, context } = run;
  const wake = await deps.db.transaction((tx) =>
    endDelivery(tx, deps.cache, context, {
      outcome: 'refused',
      reason: why,
      drops: [],
      durationMs: performance.now() - run.startedMs,
      versions: plan.versions,
    }),
  );
  deps.wake(wake);
  return { kind: 'ended' };
}

function refusedBy({ desk }: ApplyRun, error: HelpdeskError): Reason {
  return reason('refused-by-desk', { desk: desk.name, name: error.code, detail: error.message });
}

function inDoubt({ desk }: ApplyRun): Reason {
  return reason('in-doubt', { desk: desk.name });
}

/** Steps behind the one that opens the ticket learn its id from it. */
function aimed(step: Step, ticketId: string | null): Step {
  if (step.command.ticketId !== null || ticketId === null || step.command.open !== undefined) return step;
  return { ...step, command: { ...step.command, ticketId } as Command };
}

function openedBy(step: Step, made: Made): Made | null {
  return step.command.open === undefined ? null : made;
}

function openedTicket(made: Made): { ticketId: string; number: string; url: string } {
  return { ticketId: made.ticketId, number: made.number ?? made.ticketId, url: made.url ?? '' };
}

function madeOf({ ticketId, actionIds, number, url }: Written): Made {
  return {
    ticketId,
    actionIds,
    ...(number === undefined ? {} : { number }),
    ...(url === undefined ? {} : { url }),
  };
}

function snapshotHere(context: DeliveryContext): DeliveryContext['customerSnapshot'] {
  return context.delivery.to === context.mirror.customer_instance ? context.customerSnapshot : context.supplierSnapshot;
}

function sinceHere(context: DeliveryContext): string | null {
  return context.delivery.to === context.mirror.customer_instance ? context.customerSince : context.supplierSince;
}

function sameStatus(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}
