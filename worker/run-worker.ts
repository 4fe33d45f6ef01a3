/** A worker: wires what the activities need, runs them, and leaves in order when asked to. */
import { fileURLToPath } from 'node:url';
import { Client as TemporalClient, Connection as TemporalConnection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { openBlobStore } from '#blobs/store.ts';
import type { Config } from '#config/env.ts';
import type { Log } from '#config/log.ts';
import { openSecret, sealSecret } from '#config/secrets.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { createTokenSource } from '#protocols/ferry/tokens.ts';
import { connect } from '#db/base/client.ts';
import { laneChannel } from '#db/carry/couriers.ts';
import { checkFingerprint } from '#db/links/identity.ts';
import { hintChannel } from '#db/log/hint.ts';
import { signingKey, type Open, type Seal } from '#db/links/keys.ts';
import { assertSchema, SchemaError } from '#db/base/migrate.ts';
import { createNothingNew } from '#db/log/nothing-new.ts';
import { createPromises } from '#db/carry/promise-writes.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { createTogether } from '#db/log/together.ts';
import { createAskOutcomes } from '#activities/exchange/ask-outcome.ts';
import { apiChores } from '#activities/exchange/api-chores.ts';
import { listenForBells } from '#activities/bells.ts';
import { standardLimits, type Limits, type WorkDeps } from '#activities/deps.ts';
import { createConnectActivities } from '#activities/pairing/connect.ts';
import { createDesks, type DesksDeps } from '#activities/desk/desks.ts';
import { createDrain } from '#activities/drain.ts';
import { createActivities } from '#activities/index.ts';
import { createWatch } from '#activities/watch/watch.ts';
import { createTell } from '#activities/notify.ts';
import { createPeers } from '#activities/exchange/peers.ts';
import { createRefreshPeers } from '#activities/exchange/refresh-peers.ts';
import { createSigner } from '#activities/exchange/signer.ts';
import { queueOf } from '#workflows/contract.ts';
import { workflowVersion } from './workflow-version.ts';
import { startSweeper } from './sweeper.ts';
import { createTakeOver } from './take-over.ts';
import { createWake, signalCourier } from './wake.ts';

export type WorkerOptions = {
  readonly limits?: Partial<Limits>;
  /** Watchers that read side by side over all workers. */
  readonly watchers?: number;
  readonly sweepMs?: number;
  /** Path of a workflow bundle made before; absent, it is made at the start. */
  readonly bundle?: string;
  /** Of the workflows' code; absent, its fingerprint. */
  readonly version?: string;
  readonly createHelpdesk: DesksDeps['createHelpdesk'];
};

/** What the worker bundles for Temporal's sandbox. */
export const workflowsPath = fileURLToPath(new URL('../workflows/all.ts', import.meta.url));

const activitySlots = 200;
const shutdownGraceMs = 20_000;
const schemaEveryMs = 10_000;

/** Runs until the signal; resolves when everything under way has reached its end. */
export async function runWorker(config: Config, log: Log, signal: AbortSignal, options: WorkerOptions): Promise<void> {
  const main = connect(config.databaseUrl, { max: 10, name: 'ferry-worker' });
  const listening = connect(config.databaseUrl, { max: 1, name: 'ferry-worker-bells' });
  const http = createHttpClient({ allow: { http: 'private', privateAddresses: [...config.allowAddresses] } });
  try {
    await whenReady(log, signal, 'database', () => assertSchema(main.sql));
    const [native, connection] = await whenReady(
      log,
      signal,
      'Temporal',
      async () =>
        [
          await NativeConnection.connect({ address: config.temporal.address }),
          await TemporalConnection.connect({ address: config.temporal.address, connectTimeout: 5_000 }),
        ] as const,
    );
    for (const link of await checkFingerprint(main.db, config.publicUrl))
      log.warn({ link }, 'this database is another one than it was: the link is in quarantine, see ferry link resume');
    const temporal = new TemporalClient({ connection, namespace: config.temporal.namespace });
    const bells = await listenForBells(listening, { lanes: laneChannel, hints: hintChannel });
    const version = options.version ?? (await workflowVersion());
    const wake = createWake({
      db: main.db,
      version,
      temporal: () => temporal,
      onError: (error) => log.warn({ err: error }, 'a wake failed; the sweeper wakes later'),
      ringHere: (instance) => bells.ringHere(instance),
    });
    const tell = createTell({ http, smtpUrl: config.smtpUrl, mailFrom: config.mailFrom, log });
    let running = 0;
    const open: Open = (sealed, context) => openSecret(sealed, context, config.secretKeys);
    const seal: Seal = (plain, context) => sealSecret(plain, context, firstOf(config.secretKeys));
    const deps: WorkDeps = {
      publicUrl: config.publicUrl,
      peers: createPeers({
        db: main.db,
        http,
        tokensFor: ({ issuer, clientId, instance, dpop }, through) =>
          createTokenSource({
            issuer,
            clientId,
            dpop,
            http: through,
            signingKey: () => signingKey(main.db, open, instance, 'client'),
          }),
      }),
      signer: createSigner({ db: main.db, seal, open }),
      db: main.db,
      together: createTogether(main.db),
      promiseWrite: createPromises(main.db),
      nothingNew: createNothingNew(main.db),
      cache: createVersionCache(),
      desks: createDesks({
        db: main.db,
        http,
        openSecret: open,
        createHelpdesk: options.createHelpdesk,
      }),
      blobs: await openBlobStore(config.blobs),
      bells,
      wake,
      tell,
      log,
      limits: { ...standardLimits, ...options.limits },
      slotsFree: () => 1 - running / activitySlots,
    };
    const drain = createDrain(deps);
    const watch = createWatch(deps);
    const activities = createActivities(deps, drain, watch);
    const counted = Object.fromEntries(
      Object.entries(activities).map(([name, activity]) => [
        name,
        async (argument: never) => {
          running += 1;
          try {
            return await activity(argument);
          } finally {
            running -= 1;
          }
        },
      ]),
    );
    const connecting = createConnectActivities({
      db: main.db,
      http,
      publicUrl: config.publicUrl,
      allowAddresses: config.allowAddresses,
      seal,
      open,
      wake,
      log,
    });
    const worker = await Worker.create({
      connection: native,
      namespace: config.temporal.namespace,
      taskQueue: queueOf(version),
      // A history that this code can't follow fails its run, which is started anew; it would be tried for ever.
      workflowFailureErrorTypes: { '*': ['NondeterminismError', 'DeterminismViolationError'] },
      ...(options.bundle === undefined ? { workflowsPath } : { workflowBundle: { codePath: options.bundle } }),
      activities: { ...counted, ...connecting },
      maxConcurrentActivityTaskExecutions: activitySlots,
      shutdownForceTime: shutdownGraceMs,
    });
    const takeOver = createTakeOver({
      db: main.db,
      drain,
      watch,
      wakeCourier: (instance) => signalCourier(temporal, version, instance),
      log,
    });
    let wrongSchema: SchemaError | null = null;
    const sweeper = startSweeper({
      db: main.db,
      temporal: () => temporal,
      version,
      takeOver,
      wake,
      blobs: deps.blobs,
      tell,
      log,
      watchers: options.watchers ?? 2,
      chores: [
        {
          name: 'schema',
          everyMs: schemaEveryMs,
          work: async () => {
            wrongSchema ??= await schemaError(main.sql);
            if (wrongSchema !== null && worker.getState() === 'RUNNING') worker.shutdown();
          },
        },
        { name: 'peers', everyMs: 5_000, work: createRefreshPeers(deps) },
        { name: 'outcomes', everyMs: 30_000, work: createAskOutcomes(deps) },
        ...apiChores({ ...deps, http, open }),
      ],
      ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
    });
    const stop = (): void => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    };
    signal.addEventListener('abort', stop, { once: true });
    process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
    try {
      if (!signal.aborted) await worker.run();
      // Somebody has migrated the database under it.
      if (wrongSchema !== null) throw wrongSchema;
    } finally {
      signal.removeEventListener('abort', stop);
      await Promise.all([sweeper.stop(), takeOver.stop()]);
      await drain.rest(shutdownGraceMs);
      await connection.close();
      await native.close();
    }
  } finally {
    await listening.close();
    await main.close();
    await http.close();
  }
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

function firstOf(keys: readonly Uint8Array[]): Uint8Array {
  const [key] = keys;
  if (key === undefined) throw new Error('there is no key to seal secrets with');
  return key;
}

/** Starts although a neighbour is down, says so, and goes on trying. A wrong schema is not waited for. */
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
