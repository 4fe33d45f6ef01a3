/** Carries the head of one lane: decide, apply, or what to do instead. Every way out is named. */
import { HelpdeskError, type Step } from '#connectors/helpdesk.ts';
import { reason } from '#core/reasons.ts';
import { heldAfterMs, nextTry, setAsideAfterMs } from '#core/retry.ts';
import type { Reason } from '#core/vocabulary.ts';
import { headOf, type DeliveryContext } from '#db/delivery-context.ts';
import { countTry, deferLane, holdDelivery, parkLane, setAside, settleLane, type LaneKey } from '#db/lanes.ts';
import { clearHeld, raiseNotice } from '#db/notices.ts';
import { closeGone, endDelivery, noteAttempt } from '#db/outcome.ts';
import { inTransaction } from '#db/transaction.ts';
import { writesOf } from '#db/writes.ts';
import { apply } from './apply.ts';
import type { Applied, ApplyRun } from './apply-run.ts';
import { decideHead, type Decided } from './decide-head.ts';
import type { Desk, WorkDeps } from './deps.ts';
import { observe } from './observe.ts';
import type { Stage } from './stage.ts';

export type CarryRun = {
  readonly deps: WorkDeps;
  readonly desk: Desk;
  readonly stage: Stage;
  readonly epoch: number;
  readonly signal: AbortSignal;
  oneAtATime: ApplyRun['oneAtATime'];
};

export type Carried =
  /** The head has ended, or was set aside: the next may follow. */
  | 'ended'
  /** The head has ended, and nothing was behind it. */
  | 'ended-last'
  /** Nothing waits, or not before the lane's due time. */
  | 'rests'
  | 'lost';

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
  const { delivery, mirror } = context;
  // What a receipt tells is often why the mirror is paused; nothing that it causes travels on.
  if (mirror.paused && delivery.kind !== 'receipt') {
    await parkLane(deps.db, lane);
    return 'rests';
  }
  if (delivery.heldAt !== null && delivery.releasedAt === null) {
    const leftMs = setAsideAfterMs - (delivery.heldMs ?? 0);
    if (leftMs > 0) {
      await deferLane(deps.db, lane, leftMs);
      return 'rests';
    }
    await setAside(deps.db, delivery.id, lane);
    return 'ended';
  }
  const startedMs = performance.now();
  try {
    const applied = delivery.hasWrites ? await resume(run, context, startedMs) : await first(run, context, startedMs);
    return await after(run, context, lane, applied, startedMs);
  } catch (error) {
    return trouble(run, context, lane, error, startedMs);
  }
}

async function first(run: CarryRun, context: DeliveryContext, startedMs: number): Promise<Applied> {
  const { verdict, versions } = await decideHead(run.deps, run.stage, context, run.signal);
  switch (verdict.kind) {
    case 'apply': {
      const steps = run.desk.helpdesk.steps(verdict.command);
      return apply(
        applyRun(run, context, startedMs),
        { command: verdict.command, drops: verdict.drops, versions, steps },
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
  return apply(applyRun(run, context, startedMs), { ...plan, steps: plan.steps as readonly Step[] }, rows);
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
      await hold(run, context, lane, applied.reason, startedMs);
      return 'rests';
  }
}

async function hold(
  { deps }: CarryRun,
  context: DeliveryContext,
  lane: LaneKey,
  why: Reason,
  startedMs: number,
): Promise<void> {
  await holdDelivery(deps.db, context.delivery.id, lane, why, setAsideAfterMs);
  await noteAttempt(deps.db, context.delivery.id, 'held', why, performance.now() - startedMs, null);
  await raiseNotice(deps.db, {
    link: context.mirror.link,
    cause: `held/${context.mirror.id}/${why.code}`,
    text: `${context.mirror.customer_name} ${context.mirror.customer_number ?? context.mirror.customer_ticket}: ${why.text}`,
  });
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

/** Something is wrong with the instance, not with one delivery. */
export class InstanceTrouble extends Error {
  override readonly name = 'InstanceTrouble';
  readonly kind: 'down' | 'auth' | 'slow-down';
  readonly retryAfterMs: number | undefined;

  constructor(kind: 'down' | 'auth' | 'slow-down', message: string, retryAfterMs?: number) {
    super(message);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}

const pingTimeoutMs = 5_000;

async function trouble(
  run: CarryRun,
  context: DeliveryContext,
  lane: LaneKey,
  error: unknown,
  startedMs: number,
): Promise<Carried> {
  const { deps, desk } = run;
  const { delivery, mirror } = context;
  const failed = error instanceof HelpdeskError ? error : null;
  const why = reason(failed?.class === 'auth' ? 'auth' : 'trouble', {
    desk: desk.name,
    detail: failed?.message ?? (error instanceof Error ? error.name : 'Something unexpected happened.'),
  });
  if (failed === null) deps.log.error({ err: error, delivery: delivery.id }, 'a delivery failed unexpectedly');
  if (failed?.class === 'gone') return gone(run, context, startedMs);
  await countTry(deps.db, delivery.id, why);
  await noteAttempt(deps.db, delivery.id, 'retry', why, performance.now() - startedMs, null);
  if (failed?.class === 'auth') throw new InstanceTrouble('auth', failed.message);
  if (failed?.class === 'slow-down') throw new InstanceTrouble('slow-down', failed.message, failed.retryAfterMs);
  if (failed?.class === 'conflict') {
    const ticketId = delivery.to === mirror.customer_instance ? mirror.customer_ticket : mirror.supplier_ticket;
    if (ticketId !== null) await observe(deps, desk.instance, ticketId, run.signal);
  } else {
    // Not one delivery's trouble if the desk does not answer at all.
    await desk.helpdesk.ping(AbortSignal.timeout(pingTimeoutMs)).catch((down: unknown) => {
      if (down instanceof HelpdeskError && down.class === 'auth') throw new InstanceTrouble('auth', down.message);
      if (down instanceof HelpdeskError && down.class === 'slow-down') {
        throw new InstanceTrouble('slow-down', down.message, down.retryAfterMs);
      }
      throw new InstanceTrouble('down', failed?.message ?? String(down));
    });
    if (isTroubledTooLong(context)) {
      await hold(run, context, lane, why, startedMs);
      return 'rests';
    }
  }
  const delayMs = nextTry({
    attempt: delivery.attempts + 1,
    trouble: failed?.class === 'conflict' ? 'conflict' : 'retry',
    random: Math.random(),
  });
  await deferLane(deps.db, lane, delayMs);
  return 'rests';
}

function isTroubledTooLong({ delivery, now }: DeliveryContext): boolean {
  return delivery.firstTriedAt !== null && Date.parse(now) - Date.parse(delivery.firstTriedAt) > heldAfterMs;
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
