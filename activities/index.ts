/** The activities by their names, with a running activity's heartbeat and cancellation. */
import { CancelledFailure, Context } from '@temporalio/activity';
import type { DrainResult, WatchResult } from '#workflows/contract.ts';
import type { ActivityRun, WorkDeps } from './deps.ts';
import { createDrain } from './drain.ts';
import { plainFailure } from './plain-failure.ts';
import { createWatch } from './watch/watch.ts';

const heartbeatEveryMs = 2_000;

export type Activities = {
  drain(instance: string): Promise<DrainResult>;
  watch(number: number): Promise<WatchResult>;
};

export function createActivities(deps: WorkDeps): Activities {
  const drain = createDrain(deps);
  const watch = createWatch(deps);
  return {
    drain: (instance) => beating(deps, (run) => drain(instance, run)),
    watch: () => beating(deps, watch),
  };
}

/** Heartbeats by timer, so that a long request does not look like a dead worker. */
async function beating<Result>(deps: WorkDeps, work: (run: ActivityRun) => Promise<Result>): Promise<Result> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), heartbeatEveryMs);
  try {
    return await work({ signal: context.cancellationSignal, heartbeat: () => context.heartbeat() });
  } catch (error) {
    if (error instanceof CancelledFailure) throw error;
    deps.log.warn({ err: error }, 'an activity failed; Temporal tries it again');
    throw plainFailure(error);
  } finally {
    clearInterval(timer);
  }
}
