/** The activities by name, connected to a running activity's heartbeat and cancellation. */
import { CancelledFailure, Context } from '@temporalio/activity';
import type { DrainResult, WatchResult } from '#workflows/contract.ts';
import type { ActivityRun, WorkDeps } from './deps.ts';
import type { Drain } from './drain.ts';
import { plainFailure } from './plain-failure.ts';
import type { Watch } from './watch/watch.ts';

export type Activities = {
  drain(instance: string): Promise<DrainResult>;
  watch(number: number): Promise<WatchResult>;
};

export function createActivities(deps: WorkDeps, drain: Drain, watch: Watch): Activities {
  return {
    drain: (instance) => supervised(deps, (run) => drain(instance, run)),
    watch: () => supervised(deps, watch),
  };
}

/** The work itself sends the heartbeats: they mean that the database has just answered, not that a timer runs. */
async function supervised<Result>(deps: WorkDeps, work: (run: ActivityRun) => Promise<Result>): Promise<Result> {
  const context = Context.current();
  try {
    return await work({ signal: context.cancellationSignal, heartbeat: () => context.heartbeat() });
  } catch (error) {
    if (error instanceof CancelledFailure) throw error;
    deps.log.warn({ err: error }, 'an activity failed; Temporal will retry it');
    throw plainFailure(error);
  }
}
