/**
 * Carries everything that is due for one instance. The epoch says whose the courier is; a drain that has lost it stops
 * claiming and lets its requests reach their end.
 */
import { reason } from '#core/words/reasons.ts';
import { authDelayMs, downCapMs, nextTry } from '#core/words/retry.ts';
import { beginDrain, endLease, instanceFailed, setInstanceState, somethingDue } from '#db/carry/couriers.ts';
import type { DrainResult } from '#workflows/contract.ts';
import { createCarriers, type CarrierDeps, type Carriers } from './carrier.ts';
import { carryLanes, type DrainState } from './carry-lanes.ts';
import type { ActivityRun, WorkDeps } from './deps.ts';
import type { InstanceTrouble } from './desk/instance-trouble.ts';
import { keepLease } from './keep-lease.ts';
import { createStragglers, type Stragglers } from './stragglers.ts';

/**
 * How long a leaving drain waits for its lanes' requests, milliseconds. Longer ones finish on their own, and the next
 * drain judges them by their promises: a drain that was asked to leave hands over within a second.
 */
const graceMs = { ended: 10_000, trouble: 2_000, told: 300, lost: 0 } as const;

/** What a drain needs of a worker besides its carriers. */
export type DrainDeps = CarrierDeps & Pick<WorkDeps, 'isWhole' | 'slotsFree'>;

export type Drain = {
  (instance: string, run: ActivityRun): Promise<DrainResult>;
  /** Resolves when the requests of drains that have left are finished, or after `withinMs`. */
  rest(withinMs: number): Promise<void>;
};

export function createDrain(deps: DrainDeps): Drain {
  const carriers = createCarriers(deps);
  const stragglers = createStragglers();
  return Object.assign(
    (instance: string, run: ActivityRun): Promise<DrainResult> => drain(deps, carriers, stragglers, instance, run),
    { rest: (withinMs: number) => stragglers.rest(withinMs) },
  );
}

async function drain(
  deps: DrainDeps,
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
  const state: DrainState = { mine: true, works: false, name: instance, trouble: null, failure: null };
  const busy = new Map<string, Promise<void>>();
  let broke = true;
  const leave = deps.bells.attend(instance);
  try {
    await carryLanes(deps, carriers, { instance, epoch, signal, state, busy });
    broke = false;
  } finally {
    const isLost = !state.mine || lease.signal.aborted;
    const isTold = run.signal.aborted;
    const isTrouble = broke || state.trouble !== null || state.failure !== null;
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
  if (lease.signal.aborted) state.mine = false;
  const { mine, name, trouble, failure } = state;
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

/** Sets when the instance is tried again, and says so once. Nothing where another drain has begun. */
async function standBack(
  deps: Pick<WorkDeps, 'db' | 'desks' | 'log'>,
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
