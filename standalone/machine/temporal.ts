/** Provides a Temporal for one machine: the one that TEMPORAL_ADDRESS names, or a dev server of our own. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  codeOf,
  diskFull,
  fromFileSystem,
  portTaken,
  temporalFailed,
  temporalTooOld,
  temporalUnreachable,
} from './errors.ts';
import { anyFreePort } from './ports.ts';
import { endBySteps, sizeOf, spawnInGroup, tailOf } from './spawned.ts';
import type { Ending, Spawned } from './spawned.ts';
import { cacheDirectory, findTemporal, isAtLeast, minimumServer } from './temporal-find.ts';
import type { Progress } from './temporal-find.ts';

export type TemporalOptions = {
  /** Holds `temporal.db`. */
  readonly dataDir: string;
  readonly logFile: string;
  /** Keeps nothing after the end; for tests. */
  readonly inMemory?: boolean;
  readonly port?: number | undefined;
  /** Serves the web UI on this port; without it, no web UI. */
  readonly uiPort?: number | undefined;
  /** A program that was found earlier; without it, searches for one. */
  readonly executable?: string | undefined;
  readonly namespace?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly progress?: Progress;
  readonly signal?: AbortSignal | undefined;
  /** Accepts a downloaded program that has no pinned checksum. */
  readonly uncheckedDownload?: boolean | undefined;
  readonly onSpawn?: ((pid: number) => Promise<void>) | undefined;
};

export type RunningTemporal = {
  readonly address: string;
  readonly uiUrl?: string;
  /** undefined if it is not ours. */
  readonly pid?: number;
  readonly ended: Promise<Ending>;
  stop(): Promise<void>;
  kill9(): Promise<void>;
};

const startLimitMs = 90_000;

/**
 * Starts a dev server, or uses that of TEMPORAL_ADDRESS and starts nothing.
 * @throws StandaloneError temporal-not-found, temporal-too-old, temporal-unreachable, temporal-failed, port-taken
 */
export async function startTemporal(options: TemporalOptions): Promise<RunningTemporal> {
  const env = options.env ?? process.env;
  const given = env['TEMPORAL_ADDRESS'];
  if (given !== undefined && given !== '') return useTemporal(given);
  const executable = options.executable ?? (await executableFor(options, env));
  try {
    await mkdir(options.dataDir, { recursive: true });
    await mkdir(dirname(options.logFile), { recursive: true });
  } catch (error) {
    throw fromFileSystem(error, options.dataDir, "Temporal's data");
  }
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await anyFreePort());
    try {
      return await launch(executable, port, options);
    } catch (error) {
      if (codeOf(error) !== 'port-taken' || options.port !== undefined || attempt === 5) throw error;
    }
  }
}

async function executableFor(
  options: TemporalOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const found = await findTemporal({
    env,
    cacheDir: cacheDirectory(env),
    progress: options.progress ?? (() => {}),
    signal: options.signal,
    uncheckedDownload: options.uncheckedDownload,
  });
  return found.path;
}

async function useTemporal(address: string): Promise<RunningTemporal> {
  let version: string;
  try {
    version = await serverVersion(address);
  } catch (error) {
    throw temporalUnreachable(address, error);
  }
  if (!isAtLeast(version, minimumServer))
    throw temporalTooOld(
      address,
      version,
      minimumServer,
      'update it, or unset TEMPORAL_ADDRESS to let Ferry start its own',
    );
  return {
    address,
    ended: new Promise(() => {}),
    stop: async () => {},
    kill9: async () => {},
  };
}

/** Asks a Temporal server for its version; rejects if it does not answer within 5 seconds. */
export async function serverVersion(address: string): Promise<string> {
  const { Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address, connectTimeout: 5_000 });
  try {
    const info = await connection.withDeadline(Date.now() + 5_000, () => connection.workflowService.getSystemInfo({}));
    return info.serverVersion ?? '0.0.0';
  } finally {
    await connection.close();
  }
}

async function launch(executable: string, port: number, options: TemporalOptions): Promise<RunningTemporal> {
  const from = await sizeOf(options.logFile);
  const child = await spawnInGroup({
    command: executable,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port)],
      ...['--http-port', String(await anyFreePort()), '--metrics-port', String(await anyFreePort())],
      ...(options.uiPort === undefined ? ['--headless'] : ['--ui-port', String(options.uiPort)]),
      ...(options.inMemory === true ? [] : ['--db-filename', join(options.dataDir, 'temporal.db')]),
      ...['--namespace', options.namespace ?? 'default'],
      ...['--log-level', 'warn', '--log-format', 'json'],
      // Otherwise it would ask Temporal's servers for a newer version.
      ...['--dynamic-config-value', 'frontend.enableServerVersionCheck=false'],
    ],
    env: childEnv(options.env ?? process.env),
    logFile: options.logFile,
  });
  await options.onSpawn?.(child.pid);
  const address = `127.0.0.1:${port}`;
  try {
    await untilReady(child, address, options.namespace ?? 'default', options.signal);
  } catch (error) {
    await stopTemporal(child);
    options.signal?.throwIfAborted();
    const log = await tailOf(options.logFile, from);
    if (/address already in use|can't set .* port/.test(log)) throw portTaken(port, 'Temporal', '--temporal-port');
    if (/no space left on device|disk is full/i.test(log)) throw diskFull(options.dataDir);
    throw temporalFailed(options.logFile, (error as Error).message);
  }
  return {
    address,
    ...(options.uiPort === undefined ? {} : { uiUrl: `http://127.0.0.1:${options.uiPort}` }),
    pid: child.pid,
    ended: child.ended,
    stop: () => stopTemporal(child),
    kill9: async () => {
      child.kill('SIGKILL');
      await child.ended;
    },
  };
}

function childEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  // The CLI reads the user's cloud profiles from the environment; our server needs none of them.
  return {
    PATH: env['PATH'] ?? '/usr/bin:/bin',
    HOME: env['HOME'] ?? '/nonexistent',
    TZ: 'UTC',
  };
}

/** Waits until the namespace answers: it is registered a moment after the port opens. */
async function untilReady(
  child: Spawned,
  address: string,
  namespace: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const deadline = Date.now() + startLimitMs;
  // The client is large, so load it while the server is starting.
  const { Connection } = await import('@temporalio/client');
  const connection = Connection.lazy({ address });
  try {
    for (;;) {
      signal?.throwIfAborted();
      try {
        await connection.withDeadline(Date.now() + 2_000, () =>
          connection.workflowService.describeNamespace({ namespace }),
        );
        return;
      } catch (error) {
        if (child.hasEnded()) {
          const { code, signal: killedBy } = await child.ended;
          throw new Error(`it ended with ${code ?? killedBy ?? 'no reason'}`, { cause: error });
        }
        if (Date.now() > deadline)
          throw new Error(`it did not answer within ${startLimitMs / 1000} seconds`, {
            cause: error,
          });
      }
      await sleep(50);
    }
  } finally {
    await connection.close();
  }
}

async function stopTemporal(child: Spawned): Promise<void> {
  await endBySteps(child, [
    { signal: 'SIGTERM', waitMs: 8_000 },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ]);
}
