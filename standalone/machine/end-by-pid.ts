/** Ends a process that is not our child, known by its pid and watched by its start time. */
import { setTimeout as sleep } from 'node:timers/promises';

import { startTimeOf } from './process-identity.ts';
import { signalStep } from './spawned.ts';
import type { EndStep } from './spawned.ts';

/**
 * Signals step by step until the process that has `pid` now is gone.
 * @returns whether it is gone
 */
export async function endByPid(pid: number, steps: readonly EndStep[]): Promise<boolean> {
  const start = await startTimeOf(pid);
  if (start === undefined) return true;
  for (const step of steps) {
    signalStep(pid, step);
    const deadline = Date.now() + step.waitMs;
    do {
      if ((await startTimeOf(pid)) !== start) return true;
      await sleep(20);
    } while (Date.now() < deadline);
  }
  return (await startTimeOf(pid)) !== start;
}
