/** The courier of one instance: drains, waits while the instance is down, and leaves when nothing is left. */
import {
  condition,
  continueAsNew,
  defineSignal,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '#activities/index.ts';
import { wakeSignal, type DrainResult } from './contract.ts';

const { drain } = proxyActivities<Activities>({
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '6 seconds',
  retry: { initialInterval: '1 second', maximumInterval: '5 seconds' },
});

export async function carry(instance: string): Promise<void> {
  let woken = false;
  setHandler(defineSignal(wakeSignal), () => {
    woken = true;
  });
  for (;;) {
    woken = false;
    const result: DrainResult = await drain(instance);
    if ('retryAfterMs' in result) await condition(() => woken, result.retryAfterMs);
    else if (!result.more && !woken) return;
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof carry>(instance);
  }
}
