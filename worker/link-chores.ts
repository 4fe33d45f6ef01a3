/**
 * Once a second in every worker: starts the checks of pairings that ask for them, and ends links whose last notes are
 * written.
 */
import { WorkflowExecutionAlreadyStartedError, type Client as TemporalClient } from '@temporalio/client';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import type { Client } from '#db/base/client.ts';
import { finishClosing } from '#db/links/link-close.ts';
import { duePairings } from '#db/links/pairings.ts';
import type { Log } from '#activities/deps.ts';
import { connectId, connectWorkflow, queueOf } from '#workflows/contract.ts';

export type LinkChoresDeps = {
  readonly db: Client;
  temporal(): TemporalClient | null;
  /** The version of the workflows' code. */
  readonly version?: string;
  readonly log: Log;
};

export const linkChoresEveryMs = 1_000;
const startWithinMs = 5_000;
const startAgainMs = 30_000;

export function createLinkChores(deps: LinkChoresDeps): () => Promise<void> {
  const started = new Map<string, number>();
  return async () => {
    for (const link of await finishClosing(deps.db)) deps.log.info({ link }, 'the link has ended');
    const due = await duePairings(deps.db);
    const ids = new Set(due.map(({ id, run }) => connectId(id, run)));
    for (const id of started.keys()) if (!ids.has(id)) started.delete(id);
    const temporal = deps.temporal();
    if (temporal === null) return;
    for (const { id, run } of due) {
      const workflowId = connectId(id, run);
      // Starts it again now and then: a run left behind by an earlier version may have been terminated in the meantime.
      if (performance.now() - (started.get(workflowId) ?? Number.NEGATIVE_INFINITY) < startAgainMs) continue;
      await temporal
        .withDeadline(Date.now() + startWithinMs, () =>
          temporal.workflow.start(connectWorkflow, {
            workflowId,
            taskQueue: queueOf(deps.version),
            args: [id, run],
            workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
            workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
          }),
        )
        .catch((error: unknown) => {
          // It has already run; the row holds its outcome.
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        });
      started.set(workflowId, performance.now());
    }
  };
}
