/**
 * Carries the head of one lane: checks whether it may be carried, decides it and applies it, or says what to do
 * instead. Every exit is named.
 */
import { noteRestored } from '#activities/watch/contact.ts';
import { DeskRestored } from '#db/log/desk-restored.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { reason } from '#core/words/reasons.ts';
import { refAt } from '#core/words/ref.ts';
import type { Command, Meant } from '#core/words/vocabulary.ts';
import { headOf, isBeforeResumed, type DeliveryContext } from '#db/carry/delivery-context.ts';
import { deferLane, noteWhy, settleLane, type LaneKey } from '#db/carry/lanes.ts';
import { clearHeld } from '#db/base/notices.ts';
import { noteAttempt } from '#db/carry/outcome.ts';
import { writesOf, type Plan } from '#db/carry/writes.ts';
import type { Carried, Turn } from '#activities/turn.ts';
import { report } from '#activities/report.ts';
import { notThere } from '#activities/watch/missing.ts';
import { observe } from '#activities/watch/observe.ts';
import { aimed, apply, marked } from './apply.ts';
import type { Applied, ApplyRun } from './apply-run.ts';
import { beforeHead, hold } from './before-head.ts';
import { inTrouble } from './carry-trouble.ts';
import { decideDeps, decideHead, type Decided } from './decide-head.ts';
import { carriedBy, endAs } from './end.ts';
import { fitted } from './fitted.ts';
import { withoutLater } from './later-written.ts';
import { isWritten } from './look-before.ts';
import { rightTicket } from './right-ticket.ts';
import type { Stage } from './stage.ts';

export type CarryRun = Omit<ApplyRun, 'context' | 'startedMs' | 'promised'> & {
  readonly stage: Stage;
  readonly signal: AbortSignal;
};

type HeadTurn = CarryRun & Turn;

/** Throws InstanceTrouble if the whole instance is unreachable, refuses our credentials, or asks us to slow down. */
export async function carryHead(
  run: CarryRun,
  lane: LaneKey,
  /** The lane's head, if it has just been read. */
  head?: DeliveryContext | null,
): Promise<Carried> {
  const { deps } = run;
  const context = head ?? (await headOf(deps.db, lane));
  if (context === null) {
    await deps.db.execute(settleLane(lane.mirror, lane.to));
    return 'rests';
  }
  const stopped = await beforeHead(deps, context, lane, run.epoch);
  if (stopped !== null) return stopped;
  const turn: HeadTurn = { ...run, lane, context, promised: new Map(), startedMs: performance.now() };
  try {
    return await after(turn, await (context.delivery.hasWrites ? resume(turn) : first(turn)));
  } catch (error) {
    return trouble(turn, error);
  }
}

async function first(asked: HeadTurn): Promise<Applied> {
  const ticket = await rightTicket(asked.deps, asked.desk, asked.context, asked.signal);
  const { context } = asked;
  const turn = { ...asked, context: { ...context, to: { ...context.to, snapshot: ticket.snapshot } } };
  if (ticket.kind === 'right') {
    const written = await asWritten(turn);
    if (written !== null) return apply(turn, written, []);
  }
  const decided = await decideHead(decideDeps(turn.deps, turn.stage), turn.context, turn.signal);
  // An action that writes nothing harms no ticket: a mirror that is over refuses, whatever its old ticket now names.
  if (ticket.kind === 'wrong' && decided.verdict.kind === 'apply') return { kind: 'hold', reason: ticket.reason };
  const { verdict, versions } = decided;
  switch (verdict.kind) {
    case 'apply': {
      const left = await withoutLater(turn.deps.db, turn.lane, context, verdict, (later) =>
        asWritten({ ...turn, context: { ...later, to: { ...later.to, snapshot: ticket.snapshot } } }),
      );
      if (left === null) return endAs(turn, 'skipped', reason('no-op', { desk: turn.desk.name }), { versions });
      return apply(turn, await planOf(turn, { ...decided, verdict: left }), []);
    }
    case 'hold':
      return { kind: 'hold', reason: verdict.reason };
    case 'skip':
      return endAs(turn, 'skipped', verdict.reason, { versions });
    case 'refuse':
      return endAs(turn, 'refused', verdict.reason, { versions });
  }
}

type ToApply = Omit<Decided, 'verdict'> & { readonly verdict: Extract<Decided['verdict'], { kind: 'apply' }> };

async function planOf(turn: HeadTurn, { verdict, versions, constant }: ToApply): Promise<Plan> {
  const { command, drops: cut } = await fitted(turn.deps, turn.desk, turn.context.to, verdict.command);
  const drops = [...verdict.drops, ...cut];
  const meant = verdict.meant === undefined ? undefined : asFitted(verdict.meant, command);
  const steps = turn.desk.helpdesk.steps(command);
  const more = { ...(meant === undefined ? {} : { meant }), ...(constant === undefined ? {} : { constant }) };
  return { command, drops, versions, steps, ...more };
}

/**
 * Plans a write that the desk may already contain although our database lost it. It is decided as it was at the time,
 * since later changes and lateness would make it a different write. Returns null if it has to be decided as of now.
 */
async function asWritten(turn: HeadTurn): Promise<Plan | null> {
  const { context } = turn;
  if (context.delivery.kind !== 'action' || !isBeforeResumed(context)) return null;
  const decided = await decideHead(decideDeps(turn.deps, turn.stage), context, turn.signal, { asThen: true });
  const { verdict } = decided;
  if (verdict.kind !== 'apply') return null;
  const plan = await planOf(turn, { ...decided, verdict });
  return (await isWritten(marked(turn, []), plan, aimed)) ? plan : null;
}

/** Makes the later check expect the shortened values. */
function asFitted({ all, assumed }: Meant, { summary, fields }: Command): Meant {
  const cut = { ...(summary === undefined ? {} : { summary }), fields: { ...all.fields, ...fields } };
  return { all: { ...all, ...cut }, assumed };
}

/** Continues a promised delivery from its stored plan; it is never decided again. */
async function resume(turn: HeadTurn): Promise<Applied> {
  const rows = await writesOf(turn.deps.db, turn.context.delivery.id);
  for (const { step, promisedAt } of rows) turn.promised.set(step, promisedAt);
  const plan = rows[0]?.plan;
  if (plan == null) return { kind: 'hold', reason: reason('in-doubt', { desk: turn.desk.name }) };
  // Its files may have disappeared from the store since.
  const { failed } = await turn.stage(turn.context, plan.command.attachments, turn.signal);
  const [missing] = failed;
  if (missing !== undefined) {
    return { kind: 'hold', reason: reason('attachment-failed', { name: missing.file.name, detail: missing.why }) };
  }
  return apply(turn, plan, rows);
}

async function after(turn: HeadTurn, applied: Applied): Promise<Carried> {
  const { deps, context, lane } = turn;
  switch (applied.kind) {
    case 'ended':
      if (context.delivery.releasedAt !== null) await clearHeld(deps.db, context.mirror.link, context.mirror.id);
      return carriedBy(applied);
    case 'lost':
      return 'lost';
    case 'later':
      return (await deferLane(deps.db, lane, turn.epoch, applied.delayMs)) ? 'rests' : 'lost';
    case 'hold':
      return hold(turn, applied.reason);
  }
}

async function trouble(turn: HeadTurn, error: unknown): Promise<Carried> {
  if (error instanceof HelpdeskError && error.class === 'gone') return gone(turn);
  if (error instanceof DeskRestored) {
    await noteRestored(turn.deps, error);
    return 'rests';
  }
  // The drain was asked to leave and interrupted its wait; the next one carries this.
  if (turn.signal.aborted) return 'rests';
  const { deps, desk, context, signal } = turn;
  const { to } = context;
  return inTrouble(
    turn,
    {
      name: desk.name,
      ping: (within) => desk.helpdesk.ping(within),
      conflict: async () => {
        if (to.ticketId !== null) await observe(deps, refAt(to, to.ticketId), signal);
      },
    },
    error,
  );
}

/** Handles a far ticket that is missing: asks what that proves, and lets the lane wait until it proves something. */
async function gone(turn: HeadTurn): Promise<Carried> {
  const { deps, desk, context, lane, epoch, signal, startedMs } = turn;
  const { to, delivery } = context;
  const ticketId = to.ticketId;
  const delayMs = ticketId === null ? null : await notThere(deps, desk, refAt(to, ticketId), signal);
  const why = reason(delayMs === null ? 'gone' : 'missing', { desk: desk.name, number: to.number ?? undefined });
  if (delayMs === null) return carriedBy(await endAs(turn, 'refused', why));
  await noteWhy(deps.db, delivery.id, lane, epoch, why);
  await noteAttempt(deps.db, delivery.id, 'retry', why, performance.now() - startedMs, null);
  report(turn, 'retry', why);
  return (await deferLane(deps.db, lane, epoch, delayMs)) ? 'rests' : 'lost';
}
