/** Handles postmaster.pid, the file that a PostgreSQL leaves in its cluster if nobody stopped it. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { stillRunning } from './errors.ts';
import { endByPid } from './end-by-pid.ts';
import { startedAt } from './process-identity.ts';

/** Clock steps and rounding between the file's time and the kernel's, in seconds. */
const tolerance = 5;

/**
 * Ends the postmaster that still holds the cluster, or removes its file if the pid is unused or now belongs to another
 * process. Call it only while holding the lock on the data directory.
 */
export async function settleStalePostmaster(cluster: string): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return;
  }
  const [pidLine, , startLine] = text.split('\n');
  const [pid, start] = [Number(pidLine), Number(startLine)];
  if (Number.isInteger(pid) && pid > 1) {
    const began = await startedAt(pid);
    if (began !== undefined && Math.abs(began - start) <= tolerance) {
      const gone = await endByPid(pid, [
        { signal: 'SIGINT', waitMs: 15_000, to: 'process' },
        { signal: 'SIGQUIT', waitMs: 5_000, to: 'process' },
      ]);
      if (!gone) throw stillRunning('PostgreSQL', pid);
    }
  }
  await rm(file, { force: true });
}
