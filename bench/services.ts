/** PostgreSQL as in production (it waits for the disk), and a Temporal dev server, for one run. */
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection as TemporalConnection } from '@temporalio/client';
import { migrate } from '#db/base/migrate.ts';
import { startPostgres } from '#standalone/machine/postgres.ts';
import { startTemporal } from '#standalone/machine/temporal.ts';

export type Services = {
  readonly postgresPid: number;
  readonly temporalPid: number;
  readonly temporal: string;
  /** The directory for blobs. */
  readonly dir: string;
  /** Creates a database with Ferry's schema and returns its URL. */
  database(name: string): Promise<string>;
  /** Creates a namespace that nobody else uses and returns its name. */
  namespace(label: string): Promise<string>;
  stop(): Promise<void>;
};

export async function startServices(progress: (line: string) => void, signal: AbortSignal): Promise<Services> {
  const dir = await mkdtemp(join(tmpdir(), 'ferry-bench-'));
  await chmod(dir, 0o711);
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.toReversed()) await one();
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const postgres = await startPostgres({
      dataDir: join(dir, 'pg'),
      durable: true,
      logFile: join(dir, 'postgres.log'),
      signal,
    });
    stops.push(() => postgres.stop());
    const temporal = await startTemporal({
      dataDir: join(dir, 'temporal'),
      // The faster of its two ways to store its state, since the comparison is with Temporal at its best.
      inMemory: true,
      logFile: join(dir, 'temporal.log'),
      progress,
      signal,
    });
    stops.push(() => temporal.stop());
    return {
      postgresPid: postgres.pid,
      temporalPid: temporal.pid ?? 0,
      temporal: temporal.address,
      dir,
      async database(name) {
        await postgres.createDatabase(name);
        await migrate(postgres.url(name));
        return postgres.url(name);
      },
      namespace: (label) => registerNamespace(temporal.address, `${label}-${randomUUID().slice(0, 8)}`),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const namespaceWithinMs = 30_000;

async function registerNamespace(address: string, namespace: string): Promise<string> {
  const connection = await TemporalConnection.connect({ address });
  try {
    const { workflowService } = connection;
    type Request = Parameters<typeof workflowService.registerNamespace>[0];
    type Retention = NonNullable<Request['workflowExecutionRetentionPeriod']>;
    await workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: 86_400 } as unknown as Retention,
    });
    const deadline = performance.now() + namespaceWithinMs;
    for (;;) {
      try {
        await workflowService.listWorkflowExecutions({ namespace, query: '' });
        return namespace;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  } finally {
    await connection.close();
  }
}
