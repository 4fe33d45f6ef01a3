/** Carries the head of one lane: decide, apply, or what to do instead. Every way out is named. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { reason } from '#core/words/reasons.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import { headOf, type DeliveryContext } from '#db/carry/delivery-context.ts';
import { deferLane, settleLane, type LaneKey } from '#db/carry/lanes.ts';
import { clearHeld } from '#db/base/notices.ts';
import { closeGone, endDelivery } from '#db/carry/outcome.ts';
import { inTransaction } from '#db/base/transaction.ts';
import { writesOf } from '#db/carry/writes.ts';
import { apply } from './apply.ts';
import type { Applied, ApplyRun } from './apply-run.ts';
import { beforeHead, hold } from './before-head.ts';
import type { Carried } from '#activities/turn.ts';
import { inTrouble } from './carry-trouble.ts';
import { decideHead, type Decided } from './decide-head.ts';
import type { Desk, WorkDeps } from '#activities/deps.ts';
import { observe } from '#activities/watch/observe.ts';
import type { Stage } from './stage.ts';

export type CarryRun = {
  readonly deps: WorkDeps;
  readonly desk: Desk;
  readonly stage: Stage;
  readonly epoch: number;
  readonly signal: AbortSignal;
  oneAtATime: ApplyRun['oneAtATime'];
};

/** Throws InstanceTrouble where the whole instance is unreachable, refuses our credentials, or asks to slow down. */
export async function carryHead(
  run: CarryRun,
  lane: LaneKey,
  /** The lane's head where it was read just now. */
  head?: DeliveryContext | null,
): Promise<Carried> {
  const { deps } = run;
  const context = head ?? (await headOf(deps.db, lane));
  if (context === null) {
    await deps.db.execute(settleLane(lane.mirror, lane.to));
    return 'rests';
  }
  const stopped = await beforeHead(deps, context, lane);
  if (stopped !== null) return stopped;
  const startedMs = performance.now();
  try {
    const applied = context.delivery.hasWrites
      ? await resume(run, context, startedMs)
      : await first(run, context, startedMs);
    return await after(run, context, lane, applied, startedMs);
  } catch (error) {
    return trouble(run, context, lane, error, startedMs);
  }
}

async function first(run: CarryRun, context: DeliveryContext, startedMs: number): Promise<Applied> {
  const { verdict, versions, constant } = await decideHead(run.deps, run.stage, context, run.signal);
  switch (verdict.kind) {
    case 'apply': {
      const steps = run.desk.helpdesk.steps(verdict.command);
      return apply(
        applyRun(run, context, startedMs),
        {
          command: verdict.command,
          drops: verdict.drops,
          versions,
          steps,
          ...(constant === undefined ? {} : { constant }),
        },
        [],
      );
    }
    case 'hold':
      return { kind: 'hold', reason: verdict.reason };
    case 'skip':
    case 'refuse':
      return finish(run, context, verdict.kind === 'skip' ? 'skipped' : 'refused', verdict.reason, versions, startedMs);
  }
}

/** A delivery that was promised is never decided again: the stored plan is what it is. */
async function resume(run: CarryRun, context: DeliveryContext, startedMs: number): Promise<Applied> {
  const rows = await writesOf(run.deps.db, context.delivery.id);
  const plan = rows[0]?.plan;
  if (plan == null) return { kind: 'hold', reason: reason('in-doubt', { desk: run.desk.name }) };
  // Its files may be gone from the store since.
  const { failed } = await run.stage(context, plan.command.attachments, run.signal);
  const [missing] = failed;
  if (missing !== undefined) {
    return { kind: 'hold', reason: reason('attachment-failed', { name: missing.file.name, detail: missing.why }) };
  }
  return apply(applyRun(run, context, startedMs), plan, rows);
}

function applyRun({ deps, desk, epoch, oneAtATime }: CarryRun, context: DeliveryContext, startedMs: number): ApplyRun {
  return { deps, desk, epoch, context, startedMs, oneAtATime };
}

async function after(
  run: CarryRun,
  context: DeliveryContext,
  lane: LaneKey,
  applied: Applied,
  startedMs: number,
): Promise<Carried> {
  const { deps } = run;
  switch (applied.kind) {
    case 'ended':
      if (context.delivery.releasedAt !== null) await clearHeld(deps.db, context.mirror.link, context.mirror.id);
      return applied.isLast ? 'ended-last' : 'ended';
    case 'lost':
      return 'lost';
    case 'later':
      await deferLane(deps.db, lane, applied.delayMs);
      return 'rests';
    case 'hold':
      await hold(deps, context, lane, applied.reason, startedMs);
      return 'rests';
  }
}

async function finish(
  { deps }: CarryRun,
  context: DeliveryContext,
  outcome: 'skipped' | 'refused',
  why: Reason,
  versions: Decided['versions'],
  startedMs: number,
): Promise<Applied> {
  const { wake, isLast } = await inTransaction(deps.db, (tx) =>
    endDelivery(tx, deps.cache, context, {
      outcome,
      reason: why,
      drops: [],
      durationMs: performance.now() - startedMs,
      versions,
    }),
  );
  deps.wake(wake);
  return { kind: 'ended', isLast: await isLast };
}

async function trouble(
  run: CarryRun,
  context: DeliveryContext,
  lane: LaneKey,
  error: unknown,
  startedMs: number,
): Promise<Carried> {
  if (error instanceof HelpdeskError && error.class === 'gone') return gone(run, context, startedMs);
  // The drain is told to leave, and breaks off what it waits for: whoever comes next carries it.
  if (run.signal.aborted) return 'rests';
  const { deps, desk } = run;
  const { delivery, mirror } = context;
  return inTrouble(
    {
      deps,
      name: desk.name,
      ping: (signal) => desk.helpdesk.ping(signal),
      conflict: async () => {
        const ticketId = delivery.to === mirror.customer_instance ? mirror.customer_ticket : mirror.supplier_ticket;
        if (ticketId !== null) await observe(deps, desk.instance, ticketId, run.signal);
      },
    },
    context,
    lane,
    error,
    startedMs,
  );
}

/** The far ticket is deleted or forbidden: the mirror ends, and the other desk is told by the refusal's receipt. */
async function gone(run: CarryRun, context: DeliveryContext, startedMs: number): Promise<Carried> {
  const { deps, desk } = run;
  const why = reason('gone', { desk: desk.name });
  const { wake } = await inTransaction(deps.db, async (tx) => {
    const ended = await endDelivery(tx, deps.cache, context, {
      outcome: 'refused',
      reason: why,
      drops: [],
      durationMs: performance.now() - startedMs,
      versions: { outbound: 0, inbound: 0, catalogue: 0 },
    });
    await closeGone(tx, context.mirror.id, context.mirror.link, why.text);
    return ended;
  });
  deps.wake(wake);
  return 'ended';
}
