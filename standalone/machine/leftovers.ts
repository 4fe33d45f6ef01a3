/** Ends the processes that an earlier start on this data directory left running when it was killed. */
import { endByPid } from './end-by-pid.ts';
import { stillRunning } from './errors.ts';
import { startTimeOf } from './process-identity.ts';
import { childNames, readRunFile, removeRunFile } from './run-file.ts';
import type { ChildName } from './run-file.ts';
import type { EndStep } from './spawned.ts';

/** How each child is ended, both by the start that made it and by the next one. */
export const endings: Readonly<Record<ChildName, readonly EndStep[]>> = {
  gateway: graceful(15_000),
  // A worker finishes its writes before it exits.
  worker: graceful(30_000),
  acme: graceful(10_000),
  northwind: graceful(10_000),
  temporal: graceful(10_000),
  // PostgreSQL's fast shutdown, then its immediate one; its own children are its own business.
  postgres: [
    { signal: 'SIGINT', waitMs: 20_000, to: 'process' },
    { signal: 'SIGQUIT', waitMs: 10_000, to: 'process' },
    { signal: 'SIGKILL', waitMs: 5_000, to: 'group' },
  ],
};

function graceful(waitMs: number): EndStep[] {
  return [
    { signal: 'SIGTERM', waitMs, to: 'group' },
    { signal: 'SIGKILL', waitMs: 5_000, to: 'group' },
  ];
}

/**
 * Ends them. Call it only while holding the lock on the data directory. If a process has a recorded pid but another start
 * time, the pid was reused, and the process is left alone.
 * @returns the names of the ended processes, in order
 * @throws StandaloneError still-running
 */
export async function endLeftovers(dataDir: string, say: (line: string) => void): Promise<ChildName[]> {
  const recorded = await readRunFile(dataDir);
  const ended: ChildName[] = [];
  for (const name of childNames) {
    for (const child of recorded?.children ?? []) {
      if (child.name !== name || (await startTimeOf(child.pid)) !== child.started) continue;
      say(`ending ${name} of an earlier start (pid ${child.pid})`);
      if (!(await endByPid(child.pid, endings[name]))) throw stillRunning(name, child.pid);
      ended.push(name);
    }
  }
  await removeRunFile(dataDir);
  return ended;
}
