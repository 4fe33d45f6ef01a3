/**
 * For a container's health check: is the program that runs in this container doing its work?
 *
 *   node dist/worker/healthy.js gateway   /readyz answers: the database is reachable and has this version's schema
 *   node dist/worker/healthy.js worker    a process of this host has recently asked Temporal for work
 *
 * Reads the same environment as the programs. The exit code is 0 for yes, and 1 for no, with the reason in one line.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

const patienceMs = 4_000;
/** A worker asks at least once a minute, because Temporal holds each of its requests no longer than that. */
const longestSilenceMs = 90_000;

const checks: Readonly<Record<string, () => Promise<string | null>>> = { gateway, worker };

async function gateway(): Promise<string | null> {
  // Kubernetes sets this to a URL if there is a Service called `ferry`.
  const set = process.env['FERRY_PORT']?.trim() ?? '';
  const port = /^\d+$/.test(set) ? set : '8400';
  const reply = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(patienceMs) });
  return reply.ok ? null : `/readyz answers ${reply.status}`;
}

async function worker(): Promise<string | null> {
  // Imported only here, because the gateway's check runs every few seconds.
  const { Connection } = await import('@temporalio/client');
  const { readEnv, temporalFrom } = await import('#config/env.ts');
  const { temporalConnection } = await import('#config/temporal-connection.ts');
  const { queueOf } = await import('#workflows/contract.ts');
  const { workflowVersion } = await import('./workflow-version.ts');
  // A worker polls the queue of its own workflow code.
  const queue = queueOf(await workflowVersion());
  const temporal = temporalFrom(readEnv(process.env, (path) => readFileSync(path, 'utf8')).raw, []);
  const { address } = temporal;
  const connection = await Connection.connect({ ...temporalConnection(temporal), connectTimeout: patienceMs });
  try {
    const { pollers } = await connection.withDeadline(Date.now() + patienceMs, () =>
      connection.workflowService.describeTaskQueue({
        namespace: temporal.namespace,
        taskQueue: { name: queue },
        taskQueueType: 2,
      }),
    );
    const own = (pollers ?? []).filter(({ identity }) => identity?.endsWith(`@${hostname()}`));
    const isLate = own.every(
      ({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1_000 >= longestSilenceMs,
    );
    return isLate ? `no worker of ${hostname()} has asked ${address} for work lately` : null;
  } finally {
    await connection.close();
  }
}

try {
  const check = checks[process.argv[2] ?? ''];
  const problem = check === undefined ? 'usage: healthy.js gateway|worker' : await check();
  if (problem !== null) throw new Error(problem);
} catch (error) {
  process.stderr.write(`not healthy: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
