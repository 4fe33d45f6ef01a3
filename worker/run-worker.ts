/** A worker's life: connects, runs everything that is wired into it, and shuts down cleanly when asked to. */
import { Client as TemporalClient, Connection as TemporalConnection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { Config } from '#config/env.ts';
import type { Log } from '#config/log.ts';
import { temporalConnection } from '#config/temporal-connection.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { createWitness } from '#blobs/witness.ts';
import { connect } from '#db/base/client.ts';
import { assertContentKeys } from '#db/base/content-keys.ts';
import { assertSchema, SchemaError } from '#db/base/migrate.ts';
import { laneChannel } from '#db/carry/couriers.ts';
import { beatEveryMs, createMemory } from '#db/links/memory.ts';
import { hintChannel } from '#db/log/hint.ts';
import { createAuditTail } from '#db/operate/audit-lines.ts';
import { startTelemetry } from '#telemetry/start.ts';
import { listenForBells } from '#activities/bells.ts';
import { queueOf } from '#workflows/contract.ts';
import { workflowsPath } from './bundle.ts';
import { createTexts } from '#text-worker/texts.ts';
import { startSweeper } from './sweeper.ts';
import { activitySlots, wireWorker, type WiredWorker, type WorkerOptions } from './wire-worker.ts';

const shutdownGraceMs = 20_000;
const schemaEveryMs = 10_000;

/** Runs until the signal aborts; resolves once everything under way has finished. */
export async function runWorker(config: Config, log: Log, signal: AbortSignal, options: WorkerOptions): Promise<void> {
  const main = connect(config.databaseUrl, {
    max: 10,
    name: 'ferry-worker',
    tls: config.databaseTls,
    contentKeys: config.contentKeys,
  });
  const listening = connect(config.databaseUrl, {
    max: 1,
    name: 'ferry-worker-bells',
    tls: config.databaseTls,
    contentKeys: config.contentKeys,
  });
  const http = createHttpClient({ allow: { http: 'private', privateAddresses: [...config.allowAddresses] } });
  const webhooks = createHttpClient({ allow: { http: 'private', privateAddresses: [...config.webhookAddresses] } });
  const texts = createTexts();
  const telemetry = await startTelemetry('worker', config, main.db, log);
  try {
    await whenReady(log, signal, 'database', async () => {
      await assertSchema(main.sql);
      await assertContentKeys(main.sql, main.sealer);
    });
    const { native, connection } = await whenReady(log, signal, 'Temporal', () => connectTemporal(config));
    const { publicUrl } = config;
    const memory = createMemory({ db: main.db, publicUrl, witness: createWitness(config.blobs), log });
    // If the database accepts no writes yet, or disappears at this moment, the worker waits as it does for one that is
    // unreachable.
    await whenReady(log, signal, 'database', () => memory.begin());
    const wired = await wireWorker(
      config,
      log,
      {
        db: main.db,
        temporal: new TemporalClient({ connection, namespace: config.temporal.namespace }),
        http,
        webhooks,
        texts,
        bells: await listenForBells(listening, { lanes: laneChannel, hints: hintChannel }),
        telemetry,
        commands: createAuditTail(listening.db),
        memory,
      },
      options,
    );
    const worker = await createTemporalWorker(config, native, wired, options.bundle);
    const stop = (): void => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    };
    let wrongSchema: SchemaError | null = null;
    const watchSchema = async (): Promise<void> => {
      wrongSchema ??= await schemaError(main.sql);
      if (wrongSchema !== null) stop();
    };
    const chores = [
      ...(wired.sweeper.chores ?? []),
      { name: 'schema', everyMs: schemaEveryMs, work: watchSchema },
      { name: 'memory', everyMs: beatEveryMs, work: async () => void (await memory.isWhole()) },
    ];
    const sweeper = startSweeper({ ...wired.sweeper, chores });
    signal.addEventListener('abort', stop, { once: true });
    process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
    try {
      if (!signal.aborted) await worker.run();
      // Somebody has migrated the database while this worker ran.
      if (wrongSchema !== null) throw wrongSchema as SchemaError;
    } finally {
      signal.removeEventListener('abort', stop);
      await Promise.all([sweeper.stop(), wired.sweeper.takeOver.stop()]);
      await wired.drain.rest(shutdownGraceMs);
      await memory
        .end()
        .catch((error: unknown) => log.warn({ err: error }, 'the last heartbeat could not be recorded'));
      await connection.close();
      await native.close();
    }
  } finally {
    await texts.close();
    await telemetry.close();
    await listening.close();
    await main.close();
    await webhooks.close();
    await http.close();
  }
}

/** `native` carries the worker's polls; `connection` carries the worker's own requests to Temporal. */
async function connectTemporal({ temporal }: Config) {
  const options = temporalConnection(temporal);
  const native = await NativeConnection.connect(options);
  try {
    return { native, connection: await TemporalConnection.connect({ ...options, connectTimeout: 5_000 }) };
  } catch (error) {
    await native.close();
    throw error;
  }
}

function createTemporalWorker(
  config: Config,
  connection: NativeConnection,
  { activities, version }: WiredWorker,
  bundle: string | undefined,
): Promise<Worker> {
  return Worker.create({
    connection,
    namespace: config.temporal.namespace,
    taskQueue: queueOf(version),
    // A history that this code cannot replay fails its run, which is then started again. Otherwise it would be
    // retried indefinitely.
    workflowFailureErrorTypes: { '*': ['NondeterminismError', 'DeterminismViolationError'] },
    ...(bundle === undefined ? { workflowsPath } : { workflowBundle: { codePath: bundle } }),
    activities,
    maxConcurrentActivityTaskExecutions: activitySlots,
    shutdownForceTime: shutdownGraceMs,
  });
}

async function schemaError(sql: Parameters<typeof assertSchema>[0]): Promise<SchemaError | null> {
  try {
    await assertSchema(sql);
    return null;
  } catch (error) {
    if (error instanceof SchemaError) return error;
    throw error;
  }
}

/**
 * Starts although a neighbouring service is down: logs that, and keeps trying. Does not wait for a wrong schema to
 * change.
 */
async function whenReady<Result>(
  log: Log,
  signal: AbortSignal,
  what: string,
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let waitMs = 250; ; waitMs = Math.min(waitMs * 2, 5_000)) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof SchemaError) throw error;
      log.warn({ err: error }, `${what} can't be reached; trying again`);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
