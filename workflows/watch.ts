/** A watcher: reads for news from the instances indefinitely, one long-running activity at a time. */
import { continueAsNew, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '#activities/index.ts';

const { watch: read } = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '6 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '5 seconds' },
});

export async function watch(number: number): Promise<void> {
  for (;;) {
    await read(number);
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof watch>(number);
  }
}
