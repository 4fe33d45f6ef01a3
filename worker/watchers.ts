/**
 * Makes sure that watchers run and make progress, and terminates runs that no worker will ever continue: those of a
 * version of the workflows' code that no longer has workers. Nothing is lost with them, since all work is in the
 * database.
 */
import { WorkflowIdConflictPolicy } from '@temporalio/common';
import type { Client as TemporalClient, WorkflowExecutionDescription } from '@temporalio/client';
import type { Log } from '#activities/deps.ts';
import { carryWorkflow, connectWorkflow, queueOf, taskQueue, watcherId, watchWorkflow } from '#workflows/contract.ts';

export type WatchersDeps = {
  temporal(): TemporalClient | null;
  /** The version of the workflows' code. */
  readonly version: string;
  readonly watchers: number;
  readonly log: Log;
};

/** Temporal counts as away after this long without an answer. */
const answerWithinMs = 5_000;
/** A run without a sign of life for this long counts as dead. */
const lifelessMs = 60_000;

/** Returns the chore. It remembers what it saw, by its own clock. */
export function createEnsureWatchers(deps: WatchersDeps): () => Promise<void> {
  const seen = new Map<string, { readonly sign: string; readonly at: number }>();
  const isLifeless = (description: WorkflowExecutionDescription): boolean => {
    const { workflowId, runId } = description;
    const sign = `${runId} ${signOf(description)}`;
    const before = seen.get(workflowId);
    if (before?.sign === sign) return performance.now() - before.at >= lifelessMs;
    seen.set(workflowId, { sign, at: performance.now() });
    return false;
  };
  const end = async (temporal: TemporalClient, workflowId: string, why: string): Promise<void> => {
    deps.log.warn({ workflow: workflowId }, why);
    await temporal.workflow.getHandle(workflowId).terminate(why);
    seen.delete(workflowId);
  };
  const ensure = async (temporal: TemporalClient, number: number): Promise<void> => {
    const workflowId = watcherId(number, deps.version);
    const start = (): Promise<unknown> =>
      temporal.workflow.start(watchWorkflow, {
        workflowId,
        taskQueue: queueOf(deps.version),
        args: [number],
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      });
    await start();
    if (!isLifeless(await temporal.workflow.getHandle(workflowId).describe())) return;
    await end(temporal, workflowId, 'a watcher has not polled for a minute; it is started again');
    await start();
  };
  const endOrphans = async (temporal: TemporalClient): Promise<void> => {
    const types = [watchWorkflow, carryWorkflow, connectWorkflow].map((one) => `'${one}'`).join(', ');
    const query = `ExecutionStatus = 'Running' and WorkflowType in (${types})`;
    for await (const { workflowId, taskQueue: queue } of temporal.workflow.list({ query })) {
      if (queue === queueOf(deps.version) || !queue.startsWith(taskQueue)) continue;
      if (isLifeless(await temporal.workflow.getHandle(workflowId).describe()))
        await end(temporal, workflowId, 'no worker has the version of the code that this run began with');
    }
  };
  return async () => {
    const temporal = deps.temporal();
    if (temporal === null) return;
    for (let number = 0; number < deps.watchers; number += 1)
      await temporal.withDeadline(Date.now() + answerWithinMs, () => ensure(temporal, number));
    await temporal.withDeadline(Date.now() + answerWithinMs, () => endOrphans(temporal));
  };
}

/**
 * Returns what changes while somebody works on the run: its history grows with each step, and in between its activity
 * sends heartbeats.
 */
function signOf({ historyLength, raw }: WorkflowExecutionDescription): string {
  const beats = (raw.pendingActivities ?? []).map(
    ({ lastHeartbeatTime }) => `${String(lastHeartbeatTime?.seconds ?? '')}.${lastHeartbeatTime?.nanos ?? ''}`,
  );
  return `${historyLength} ${beats.join(' ')}`;
}
