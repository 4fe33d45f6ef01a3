/**
 * Carries everything that is due for one instance: claims lanes, carries them in parallel, lingers when idle. The epoch
 * says which drain owns the courier; one that has lost it stops claiming and lets its requests finish.
 */
import { setTimeout } from 'node:timers/promises';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { reason } from '#core/words/reasons.ts';
import { authDelayMs, downCapMs, nextTry } from '#core/words/retry.ts';
import {
  beginDrain,
  endLease,
  instanceFailed,
  instanceWorks,
  setInstanceState,
  somethingDue,
} from '#db/carry/couriers.ts';
import { dueLanes, type DueLane } from '#db/carry/claim-lanes.ts';
import { deferLane, nextDueMs } from '#db/carry/lanes.ts';
import type { DrainResult } from '#workflows/contract.ts';
import { createCarriers, type Carrier, type Carriers } from './carrier.ts';
import type { ActivityRun, WorkDeps } from './deps.ts';
import { InstanceTrouble, troubleOf } from './desk/instance-trouble.ts';
import { keepLease } from './keep-lease.ts';
import { createPace } from './pace.ts';
import { createStragglers, type Stragglers } from './stragglers.ts';

/** Deliveries carried from one lane before it goes back to the queue. */
const perTurn = 20;
/** How often to look without being rung, since a ring may be lost. Milliseconds. */
const lookEveryMs = 1_000;
/** A lane whose head somebody else was working on is tried again after this. Milliseconds. */
const otherMs = 250;
/**
 * With more busy lanes than `above`, wait this long between claims, so that one query claims several lanes.
 * Milliseconds.
 */
const claimPause = { above: 8, ms: 12 };
/** If a smaller share of the activity slots is free, an idle drain leaves at once. */
const slotsShort = 0.2;
/**
 * How long a leaving drain waits for its lanes' requests, milliseconds. Longer ones finish on their own, and the next
 * drain judges them by their promises: a drain that was asked to leave hands over within a second.
 */
const graceMs = { ended: 10_000, trouble: 2_000, told: 300, lost: 0 } as const;

export type Drain = {
  (instance: string, run: ActivityRun): Promise<DrainResult>;
  /** Resolves when the requests of drains that have left are finished, or after `withinMs`. */
  rest(withinMs: number): Promise<void>;
};

export function createDrain(deps: WorkDeps): Drain {
  const carriers = createCarriers(deps);
  const stragglers = createStragglers();
  return Object.assign(
    (instance: string, run: ActivityRun): Promise<DrainResult> => drain(deps, carriers, stragglers, instance, run),
    { rest: (withinMs: number) => stragglers.rest(withinMs) },
  );
}

async function drain(
  deps: WorkDeps,
  carriers: Carriers,
  stragglers: Stragglers,
  instance: string,
  run: ActivityRun,
): Promise<DrainResult> {
  const epoch = await beginDrain(deps.db, instance);
  const lease = keepLease(deps.db, { instance, epoch, renewed: run.heartbeat });
  const leaving = new AbortController();
  // A lane waiting for a file, a place or the budget has promised nothing yet, so it can stop.
  const signal = AbortSignal.any([run.signal, lease.signal, leaving.signal]);
  const bell = deps.bells.of(instance);
  const pace = createPace(deps.limits.linkPerMinute);
  const busy = new Map<string, Promise<void>>();
  const endsAt = performance.now() + deps.limits.drainMs;
  let trouble: InstanceTrouble | null = null;
  let failure: unknown = null;
  let mine = true;
  let works = false;
  let broke = true;
  let name = instance;
  const carryLane = async (lane: DueLane, carry: Carrier['carry']): Promise<void> => {
    const key = { mirror: lane.mirror, to: instance };
    for (let turn = 0; turn < perTurn && mine && trouble === null && !signal.aborted; turn += 1) {
      const waitMs = pace.waitMs(lane.link);
      if (waitMs > 0) {
        await deferLane(deps.db, key, epoch, waitMs);
        return;
      }
      // The database was reset to an earlier state while we ran: its links are now in quarantine.
      if (!(await deps.isWhole())) {
        mine = false;
        return;
      }
      const { carried, actions } = await carry(lane, turn === 0);
      // Somebody else is working on this delivery, another drain or a person; the epoch tells which.
      if (carried === 'lost') mine = await deferLane(deps.db, key, epoch, otherMs);
      if (carried === 'lost' || carried === 'rests') return;
      pace.count(lane.link, actions);
      if (!works) {
        works = true;
        if (!(await instanceWorks(deps.db, instance, epoch))) {
          mine = false;
          return;
        }
        await setInstanceState(deps.db, instance, 'up', null);
      }
      if (carried === 'ended-last') return;
    }
  };

  const leave = deps.bells.attend(instance);
  try {
    const carrierNow = await carriers(instance, { epoch, signal });
    const start = (lane: DueLane, carry: Carrier['carry']): void => {
      const carrying = carryLane(lane, carry)
        .catch((error: unknown) => {
          if (error instanceof InstanceTrouble) trouble ??= error;
          // A lane that was asked to leave is interrupted wherever it waits.
          else if (!signal.aborted) failure ??= error;
        })
        .finally(() => {
          busy.delete(lane.mirror);
          bell.ring();
        });
      busy.set(lane.mirror, carrying);
    };
    let idleSince = performance.now();
    while (mine && trouble === null && failure === null && !signal.aborted && performance.now() < endsAt) {
      const carrier = await carrierNow().catch((error: unknown) => {
        if (!(error instanceof HelpdeskError)) throw error;
        trouble ??= troubleOf(error) ?? new InstanceTrouble('down', error.message);
        return null;
      });
      if (carrier === null) break;
      ({ name } = carrier);
      const { concurrency } = carrier;
      if (busy.size > claimPause.above) await setTimeout(claimPause.ms);
      const room = concurrency - busy.size;
      if (room > 0) {
        const claimed = await claim(deps, instance, epoch, [...busy.keys()], room);
        if (claimed === null) {
          mine = false;
          break;
        }
        for (const lane of claimed) start(lane, carrier.carry);
        if (claimed.length > 0) idleSince = performance.now();
        if (claimed.length === room && busy.size < concurrency) continue;
      }
      if (busy.size > 0) idleSince = performance.now();
      else if (performance.now() - idleSince > deps.limits.lingerMs || deps.slotsFree() < slotsShort) break;
      const dueMs = busy.size > 0 ? null : await nextDueMs(deps.db, instance);
      await bell.wait(Math.min(lookEveryMs, Math.max(dueMs ?? lookEveryMs, 5)), signal);
    }
    broke = false;
  } finally {
    const isLost = !mine || lease.signal.aborted;
    const isTold = run.signal.aborted;
    const isTrouble = broke || trouble !== null || failure !== null;
    leaving.abort();
    // Running requests finish; nothing new is promised once another drain has begun.
    await stragglers.leave(
      busy.values(),
      isLost ? graceMs.lost : isTold ? graceMs.told : isTrouble ? graceMs.trouble : graceMs.ended,
    );
    lease.stop();
    // A ring from now on wakes the courier; every earlier ring followed a commit, whose work is looked for below.
    leave();
  }
  // The database does not answer us: another drain has taken the courier over, or will.
  lease.throwIfUnsure();
  if (lease.signal.aborted) mine = false;
  if (failure !== null) {
    await endLease(deps.db, instance, epoch).catch(() => {});
    throw failure;
  }
  if (trouble !== null) {
    const retryAfterMs = await standBack(deps, instance, name, epoch, trouble);
    return retryAfterMs === null ? { more: false } : { retryAfterMs };
  }
  await endLease(deps.db, instance, epoch);
  return { more: mine && (await somethingDue(deps.db, instance)) };
}

/** Claims due lanes. If one link fills more than half of a full claim, the other half is claimed without that link. */
async function claim(
  deps: WorkDeps,
  instance: string,
  epoch: number,
  busy: readonly string[],
  limit: number,
): Promise<DueLane[] | null> {
  const due = await dueLanes(deps.db, { instance, epoch, busy, limit });
  if (due === null || due.length < limit || limit < 2) return due;
  const half = Math.ceil(limit / 2);
  const counts = new Map<string, number>();
  for (const { link } of due) counts.set(link, (counts.get(link) ?? 0) + 1);
  const noisy = [...counts].find(([, count]) => count > half)?.[0];
  if (noisy === undefined) return due;
  const others = await dueLanes(deps.db, { instance, epoch, busy, limit: limit - half, withoutLinks: [noisy] });
  if (others === null) return null;
  const kept = due.filter((lane) => lane.link === noisy).slice(0, limit - others.length);
  return [...kept, ...others];
}

/**
 * Sets when to try the instance again and reports its state once. Returns null, changing nothing, if another drain has
 * begun.
 */
async function standBack(
  deps: WorkDeps,
  instance: string,
  name: string,
  epoch: number,
  trouble: InstanceTrouble,
): Promise<number | null> {
  const why =
    trouble.kind === 'other'
      ? { ...reason('trouble', { desk: name, detail: trouble.message }), text: trouble.message }
      : reason(trouble.kind === 'auth' ? 'auth' : 'trouble', { desk: name, detail: trouble.message });
  // A helpdesk that was down may come back as another one.
  if (trouble.kind !== 'slow-down') deps.desks.doubt(instance);
  const delayMs = await instanceFailed(deps.db, instance, epoch, why, (failures) =>
    trouble.kind === 'auth'
      ? authDelayMs
      : nextTry({
          attempt: failures + 1,
          trouble: 'retry',
          random: Math.random(),
          capMs: downCapMs,
          ...(trouble.retryAfterMs === undefined ? {} : { retryAfterMs: trouble.retryAfterMs }),
        }),
  );
  if (delayMs === null) {
    deps.log.warn(
      { instance, epoch, said: trouble.kind },
      'another drain owns this courier; the result of the earlier one was ignored',
    );
    return null;
  }
  // An instance that asks for a pause is up.
  const changed = await (trouble.kind === 'slow-down'
    ? setInstanceState(deps.db, instance, 'up', null)
    : setInstanceState(deps.db, instance, trouble.kind, why.text));
  if (changed !== null && trouble.kind !== 'slow-down') deps.log.warn({ instance, state: trouble.kind }, why.text);
  return delayMs;
}
