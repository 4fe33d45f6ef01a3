/**
 * The gateway's process: configuration, database, HTTP. It listens at once, so that probes see it alive, and prints one line of
 * JSON on stdout when the database is also ready.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError, loadConfig } from '#config/env.ts';
import { surviveDriverFault } from '#db/base/driver-fault.ts';
import { makeLog } from '#config/log.ts';
import type { Log } from '#config/log.ts';
import { temporalAnswers } from '#config/temporal-answers.ts';
import { ferryVersion } from '#config/version.ts';
import { hintOf } from '#connectors/index.ts';
import { connect } from '#db/base/client.ts';
import { createWitness } from '#blobs/witness.ts';
import { beatEveryMs, createMemory } from '#db/links/memory.ts';
import { assertSchema, SchemaError } from '#db/base/migrate.ts';
import { ContentKeyError } from '#db/base/content.ts';
import { assertContentKeys } from '#db/base/content-keys.ts';
import { DatabaseTlsError } from '#db/base/tls.ts';
import { startTelemetry } from '#telemetry/start.ts';
import { createApp } from './app.ts';
import { callerAddress } from './limits/caller-address.ts';
import { serve } from './serve.ts';
import { wireFederation } from './wire-federation.ts';

/** Runs until somebody stops it. @returns the exit code: 0, 69 (port taken), 78 (configuration, schema) */
export async function runGateway(): Promise<number> {
  let config;
  try {
    config = loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return giveUp(error.message, error.code, error.exitCode);
  }
  const log = makeLog({ level: config.log, name: 'gateway' });
  surviveDriverFault(log);
  const asked = whenAskedToStop();
  const connection = connect(config.databaseUrl, {
    max: 10,
    name: 'ferry-gateway',
    tls: config.databaseTls,
    contentKeys: config.contentKeys,
  });
  const telemetry = await startTelemetry('gateway', config, connection.db, log);
  const federation = await wireFederation(config, connection, log);
  try {
    const gateway = createApp({
      connection,
      log,
      version: ferryVersion(),
      hintOf,
      watched: telemetry,
      temporalUp: () => temporalAnswers(config.temporal.address),
      ...(federation === null ? {} : { federation: federation.deps }),
    });
    const { isProxy } = callerAddress(config.proxies);
    const served = await serve(gateway, {
      host: config.host,
      port: config.port,
      sockets: { isProxy },
      guard: { hosts: config.publicUrl === undefined ? [] : [new URL(config.publicUrl).hostname], isProxy },
    });
    try {
      const { publicUrl } = config;
      const memory = createMemory({ db: connection.db, publicUrl, witness: createWitness(config.blobs), log });
      const begin = async (): Promise<void> => {
        await assertSchema(connection.sql);
        await assertContentKeys(connection.sql, connection.sealer);
        await memory.begin();
      };
      if (await whenItAnswers(begin, log, asked)) {
        process.stdout.write(`${JSON.stringify({ ready: true, url: served.url })}\n`);
        const noted = (error: unknown): void => log.warn({ err: error }, 'the database could not be checked');
        const beats = setInterval(() => void memory.isWhole().catch(noted), beatEveryMs);
        await untilAborted(asked);
        clearInterval(beats);
        await memory.end().catch(noted);
      }
      log.info('stopping');
    } finally {
      await served.stop();
    }
    return 0;
  } catch (error) {
    if (error instanceof SchemaError) return giveUp(error.message, error.code, 78);
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
      return giveUp(
        `port ${config.port} of ${config.host} is taken by another program (EADDRINUSE); free it, or choose another with FERRY_PORT`,
        'port-taken',
        69,
      );
    throw error;
  } finally {
    await federation?.close();
    await telemetry.close();
    await connection.close();
  }
}

/**
 * Waits for a database that is down, and logs that once and then every minute.
 * @returns false if somebody stops the gateway first @throws SchemaError
 */
async function whenItAnswers(begin: () => Promise<void>, log: Log, asked: AbortSignal): Promise<boolean> {
  let told = -Infinity;
  for (let wait = 250; !asked.aborted; wait = Math.min(wait * 2, 2_000)) {
    try {
      await begin();
      return true;
    } catch (error) {
      if (error instanceof SchemaError) throw error;
      if (performance.now() - told > 60_000) {
        told = performance.now();
        log.error(
          { code: (error as NodeJS.ErrnoException).code },
          error instanceof DatabaseTlsError || error instanceof ContentKeyError
            ? `${error.message}; trying again`
            : "the database can't be reached; trying again until it answers (check DATABASE_URL, and that PostgreSQL is running)",
        );
      }
      await sleep(wait, undefined, { signal: asked }).catch(() => undefined);
    }
  }
  return false;
}

function whenAskedToStop(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => controller.abort());
  return controller.signal;
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function giveUp(message: string, code: string, exitCode: number): number {
  process.stderr.write(`ferry: ${message} [${code}]\n`);
  return exitCode;
}

if (import.meta.main) process.exitCode = await runGateway();
