/**
 * Makes sure that watchers run and get on, and ends what no worker will ever go on with: runs of a version of the
 * workflows' code that has no workers any more. Nothing is in them: what is to be done is in the database.
 */
import { WorkflowIdConflictPolicy } from '@temporalio/common';
import type { Client as TemporalClient, WorkflowExecutionDescription } from '@temporalio/client';
import type { Log } from '#activities/deps.ts';
import { carryWorkflow, connectWorkflow, queueOf, taskQueue, watcherId, watchWorkflow } from '#workflows/contract.ts';

export type WatchersDeps = {
  temporal(): TemporalClient | null;
  /** Of the workflows' code. */
  readonly version: string;
  readonly watchers: number;
  readonly log: Log;
};

/** Without an answer for this long Temporal counts as away. */
const answerWithinMs = 5_000;
/** A run that has shown no sign of life for so long shows none any more. */
const lifelessMs = 60_000;

/** Returns the chore; it remembers what it saw, by its own clock. */
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
    await end(temporal, workflowId, 'a watcher has not polled for a minute; it is started anew');
    await start();
  };
  const endOrphans = async (temporal: TemporalClient): Promise<void> => {
    const types = [watchWorkflow, carryWorkflow, connectWorkflow].map((one) => `'${one}'`).join(', ');
    const query = `ExecutionStatus = 'Running' and WorkflowType in (${types})`;
    for await (const { workflowId, taskQueue: queue } of temporal.workflow.list({ query })) {
      if (queue === queueOf(deps.version) || !queue.startsWith(taskQueue)) continue;
      if (isLifeless(await temporal.workflow.getHandle(workflowId).describe()))
        await end(temporal, workflowId, 'no worker has the version of the code that this began with');
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

/** What changes while somebody works on it. Its history grows with each step, its activity heartbeats meanwhile. */
function signOf({ historyLength, raw }: WorkflowExecutionDescription): string {
  const beats = (raw.pendingActivities ?? []).map(
    ({ lastHeartbeatTime }) => `${String(lastHeartbeatTime?.seconds ?? '')}.${lastHeartbeatTime?.nanos ?? ''}`,
  );
  return `${historyLength} ${beats.join(' ')}`;
}
