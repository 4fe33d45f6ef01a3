/**
 * Carries out one step of a plan: first the promise, then the request. If an earlier attempt left the step unfinished,
 * judges what happened to it.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Step, Written } from '#core/words/desk.ts';
import { must } from '#core/words/must.ts';
import { reason } from '#core/words/reasons.ts';
import type { Attachment, Reason, TicketSnapshot } from '#core/words/vocabulary.ts';
import { notAfterIn } from '#connectors/contract/not-after.ts';
import { markAbsent, markMade, seenOf, type Plan, type WriteRow } from '#db/carry/writes.ts';
import type { Applied, StepRun } from './apply-run.ts';
import { ignored } from './ignored.ts';
import { findForgotten, findStep } from './look-before.ts';

/** Milliseconds until a retry if another write is open on the ticket. */
const busyMs = 250;
/** A write with files gets more time: what they need at this many bytes per millisecond (about 4 Mbit/s). */
const bytesPerMs = 500;

export type StepAt = {
  readonly index: number;
  readonly step: Step;
  readonly row: WriteRow | undefined;
  readonly last: boolean;
  /** It is no step of the plan: it sets values right that a write has replaced. */
  readonly isCorrection?: boolean;
  /** If read more recently than the delivery's context. */
  readonly snapshot?: TicketSnapshot;
};

export type Around = { readonly sentAt: number; readonly gotAt: number };

export type StepDone =
  /** `found`: the desk already had it. `around`: instants by our clock between which it was made; milliseconds. */
  | { readonly kind: 'made'; readonly made: Written; readonly found?: boolean; readonly around?: Around }
  | { readonly kind: 'refused'; readonly reason: Reason }
  | Extract<Applied, { kind: 'later' | 'lost' | 'hold' }>;

/** Carries out one step, starting from wherever an earlier attempt left it. */
export async function carryOut(run: StepRun, plan: Plan, at: StepAt): Promise<StepDone> {
  const { row } = at;
  if (row !== undefined && row.state !== 'absent') {
    const judged = await judge(run, at, row);
    if (judged !== null) return judged;
  }
  return at.step.command.open !== undefined && run.desk.helpdesk.traits.serializeCreates
    ? run.oneAtATime(() => make(run, plan, at))
    : make(run, plan, at);
}

/**
 * Judges an earlier write: known results are kept, doubtful ones are looked up. Null: certainly absent, so make it
 * again.
 */
async function judge(run: StepRun, at: StepAt, row: WriteRow): Promise<StepDone | null> {
  const { deps, desk, context } = run;
  const promise = { delivery: context.delivery.id, step: at.index, promisedAt: row.promisedAt };
  if (row.state !== 'open')
    return {
      kind: 'made',
      made: row.written ?? { ticketId: must(row.ticket, 'ticket of a write that was made'), actionIds: [] },
    };
  if (row.ticket !== null) {
    const seen = await seenOf(deps.db, desk.instance, row.ticket, context.delivery.id, at.index);
    if (seen.length > 0) {
      const made = { ticketId: row.ticket, actionIds: seen };
      return (await markMade(deps.db, promise, made)) ? { kind: 'made', made } : lost(run, 'made');
    }
  }
  const { settleMs, writeTimeoutMs } = desk.helpdesk.traits;
  const after = new Date(Date.parse(row.promisedAt) - settleMs).toISOString();
  const found = await findStep(run, at.step, row.marker, after, AbortSignal.timeout(writeTimeoutMs));
  if (found !== null) {
    return (await markMade(deps.db, promise, found)) ? { kind: 'made', made: found } : lost(run, 'made');
  }
  // Until then the request may still be running, or its result not yet be visible.
  const leftMs = row.leftMs + settleMs;
  if (leftMs > 0) return { kind: 'later', delayMs: leftMs };
  return (await markAbsent(deps.db, promise)) ? null : lost(run, 'absent');
}

/** Commits the promise, then makes the request. Throws HelpdeskError if it failed or its result is unknown. */
export async function make(run: StepRun, plan: Plan, at: StepAt): Promise<StepDone> {
  const { deps, desk, context, epoch } = run;
  const { index, step } = at;
  const marker = run.marker(index);
  const timeoutMs = desk.helpdesk.traits.writeTimeoutMs + bytesSent(step, plan) / bytesPerMs;
  // Measured from before the promise, so the time ends here no later than by the database's clock.
  const notAfter = notAfterIn(timeoutMs);
  const promised = await deps.promiseWrite({
    delivery: context.delivery.id,
    step: index,
    instance: desk.instance,
    entity: context.to.entity,
    epoch,
    version: desk.version,
    ticket: step.command.ticketId,
    marker,
    fingerprints: step.fingerprints,
    plan: planToStore(plan, at),
    timeoutMs,
  });
  if (promised.kind === 'lost') return { kind: 'lost' };
  if (promised.kind === 'busy') return { kind: 'later', delayMs: busyMs };
  const promise = { delivery: context.delivery.id, step: index, promisedAt: promised.promisedAt };
  run.promised.set(index, promise.promisedAt);
  let written: Written;
  const sentAt = desk.clock?.now() ?? null;
  let found = false;
  try {
    const signal = AbortSignal.timeout(Math.max(Math.ceil(notAfter.leftMs()), 1));
    const before = await findForgotten(run, at, marker, signal);
    found = before !== null;
    written =
      before ??
      (await desk.helpdesk.perform(step, {
        marker,
        signal,
        notAfter,
        link: context.mirror.link,
        snapshot: step.command.ticketId === null ? null : (at.snapshot ?? context.to.snapshot),
        openStaged: (file: Attachment) => deps.blobs.open(must(file.sha256, 'digest of a staged file')),
      }));
  } catch (error) {
    if (!(error instanceof HelpdeskError) || error.class === 'in-doubt') {
      // The result is unknown; it is judged once the deadline and the desk's own delays have passed.
      throw error;
    }
    if (!(await markAbsent(deps.db, promise))) return lost(run, 'absent');
    if (error.class === 'refused') return { kind: 'refused', reason: refusedBy(run, error) };
    throw error;
  }
  // The last step is marked together with the read-back; a crash in between leaves it in doubt, to be judged.
  if (!at.last && !(await markMade(deps.db, promise, written))) return lost(run, 'made');
  const gotAt = desk.clock?.now() ?? null;
  const isTimed = !found && sentAt !== null && gotAt !== null;
  return { kind: 'made', made: written, found, ...(isTimed ? { around: { sentAt, gotAt } } : {}) };
}

/** The first step stores the plan; a correction stores itself, because a drain that takes over must know what it set. */
function planToStore(plan: Plan, { index, step, isCorrection = false }: StepAt): Plan | null {
  if (index === 0) return plan;
  if (!isCorrection) return null;
  const { meant: _meant, ...rest } = plan;
  return { ...rest, command: step.command, steps: [step], drops: [] };
}

/** Reports that another drain has promised the write again, so the result of ours no longer counts. */
function lost(run: StepRun, said: string): Extract<Applied, { kind: 'lost' }> {
  ignored(run, said);
  return { kind: 'lost' };
}

/** If files have steps of their own, other steps only refer to them. */
function bytesSent({ name, command }: Step, plan: Plan): number {
  const apart = plan.steps.some((step) => step.name === 'attachment');
  if (apart && name !== 'attachment') return 0;
  return command.attachments.reduce((sum, file) => sum + (file.sizeBytes ?? 0), 0);
}

function refusedBy({ desk }: StepRun, error: HelpdeskError): Reason {
  return reason('refused-by-desk', { desk: desk.name, name: error.code, detail: error.message });
}
