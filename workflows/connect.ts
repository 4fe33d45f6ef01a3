/**
 * Runs a pairing, or its checks once more: exchanges what both sides need, checks both directions, and ends after 15
 * minutes.
 */
import { CancellationScope, isCancellation, proxyActivities, sleep } from '@temporalio/workflow';
import type { ConnectActivities } from '#activities/pairing/connect.ts';

const activities = proxyActivities<ConnectActivities>({
  startToCloseTimeout: '3 minutes',
  scheduleToCloseTimeout: '15 minutes',
  retry: { initialInterval: '1 second', maximumInterval: '10 seconds' },
});

export async function connect(pairing: string, run: string): Promise<void> {
  const leftMs = await activities.connectBegin(pairing, run);
  if (leftMs === null) return;
  try {
    await CancellationScope.withTimeout(leftMs, async () => {
      if (!(await activities.connectExchange(pairing, run))) return;
      await activities.connectCheck(pairing, run);
      while (!(await activities.connectCompare(pairing, run))) await sleep('1 second');
      await activities.connectFinish(pairing, run);
    });
  } catch (error) {
    // Whatever the cause, its time is up. The row holds the findings so far.
    await CancellationScope.nonCancellable(() => activities.connectExpire(pairing, run));
    if (!isCancellation(error)) throw error;
  }
}
