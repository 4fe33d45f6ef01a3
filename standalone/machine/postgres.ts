/** Runs an embedded PostgreSQL on the loopback address, from the npm package's binaries. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';

import { codeOf, diskFull, portTaken, postgresFailed } from './errors.ts';
import { anyFreePort } from './ports.ts';
import { packageDirectory, preparePostgres } from './postgres-binaries.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import { childEnv, ensureCluster, prepareDirectory, reasonIn, user } from './postgres-cluster.ts';
import type { PostgresOptions } from './postgres-cluster.ts';
import { settleStalePostmaster } from './postmaster.ts';
import { endBySteps, sizeOf, spawnInGroup, tailOf } from './spawned.ts';
import type { Ending, Spawned } from './spawned.ts';
import { postgresUser } from './user.ts';
import type { RunAs } from './user.ts';

export type { PostgresOptions };

export type RunningPostgres = {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly pid: number;
  url(database: string): string;
  /** Creates a database if it does not exist. */
  createDatabase(name: string): Promise<void>;
  /** Settles when the server has ended, for any reason. */
  readonly ended: Promise<Ending>;
  /** Fast shutdown; open connections are cut, nothing committed is lost. */
  stop(): Promise<void>;
  /** Crashes the server, for tests. */
  kill9(): Promise<void>;
};

const defaultStateDir = '/var/lib/ferry';
const startLimitMs = 60_000;
/** Recovery after a crash may take long; the server answers meanwhile that it is starting up. */
const recoveryLimitMs = 600_000;

/**
 * Starts PostgreSQL on `dataDir`, and first makes the cluster if there is none.
 * @throws StandaloneError port-taken, not-writable, not-reachable, disk-full, other-postgres-major,
 *   no-postgres-binaries, postgres-failed
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const runAs = await postgresUser();
  const copyTo = runAs === undefined ? undefined : (options.stateDir ?? defaultStateDir);
  const binaries = options.binaries ?? (await preparePostgres(packageDirectory(), copyTo));
  await prepareDirectory(options.dataDir, runAs);
  await mkdir(dirname(options.logFile), { recursive: true });
  const cluster = join(options.dataDir, 'postgres');
  const password = await ensureCluster(binaries, cluster, options, runAs);
  await settleStalePostmaster(cluster);
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await anyFreePort());
    try {
      return await launch(binaries, cluster, port, password, options, runAs);
    } catch (error) {
      // A port that was free may be taken a moment later, so try another; for a named port that is an error.
      const lostRace = codeOf(error) === 'port-taken' && options.port === undefined;
      // After a crash the old server's workers need a moment to notice that it is gone.
      const oldWorkers = error instanceof Error && /pre-existing shared memory/.test(error.message);
      if (!(lostRace || oldWorkers) || attempt === 20) throw error;
      if (oldWorkers) await sleep(500);
    }
  }
}

async function launch(
  binaries: PostgresBinaries,
  cluster: string,
  port: number,
  password: string,
  options: PostgresOptions,
  runAs: RunAs | undefined,
): Promise<RunningPostgres> {
  const from = await sizeOf(options.logFile);
  const child = await spawnInGroup({
    command: binaries.postgres,
    args: ['-D', cluster, '-p', String(port), ...settings(options.durable)],
    env: childEnv(),
    cwd: cluster,
    logFile: options.logFile,
    runAs,
  });
  await options.onSpawn?.(child.pid);
  const url = (database: string): string =>
    `postgres://${user}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  try {
    await untilReady(child, url('postgres'), options.signal);
  } catch (error) {
    await stopPostgres(child);
    options.signal?.throwIfAborted();
    const log = await tailOf(options.logFile, from);
    if (/Address already in use/.test(log)) throw portTaken(port, 'PostgreSQL', '--postgres-port');
    if (/No space left on device/.test(log)) throw diskFull(options.dataDir);
    throw postgresFailed(options.logFile, `${(error as Error).message}${reasonIn(log)}`);
  }
  return {
    port,
    user,
    password,
    pid: child.pid,
    url,
    createDatabase: (name) => createDatabase(url('postgres'), name),
    ended: child.ended,
    stop: () => stopPostgres(child),
    kill9: async () => {
      child.kill('SIGKILL');
      await child.ended;
    },
  };
}

function settings(durable: boolean): string[] {
  const chosen: Readonly<Record<string, string>> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '128MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    jit: 'off',
    max_wal_size: '1GB',
    checkpoint_timeout: '15min',
    // Lanes, deliveries and couriers change often: frequent small vacuums keep their indexes short.
    autovacuum_naptime: '15s',
    // Otherwise a failing statement would put note texts and secrets into the log.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_parameter_max_length_on_error: '0',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  return Object.entries(chosen).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function untilReady(child: Spawned, url: string, signal: AbortSignal | undefined): Promise<void> {
  const begun = Date.now();
  for (;;) {
    signal?.throwIfAborted();
    const answer = await ping(url);
    if (answer === 'ready') return;
    if (child.hasEnded()) {
      const { code, signal } = await child.ended;
      throw new Error(`it ended with ${code ?? signal ?? 'no reason'}`);
    }
    const limit = answer === 'starting' ? recoveryLimitMs : startLimitMs;
    if (Date.now() - begun > limit) throw new Error(`it did not answer within ${limit / 1000} seconds`);
    await sleep(30);
  }
}

async function ping(url: string): Promise<'ready' | 'starting' | 'silent'> {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    await sql`select 1`;
    return 'ready';
  } catch (error) {
    const cannotConnectNow = '57P03';
    return codeOf(error) === cannotConnectNow ? 'starting' : 'silent';
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Creates a database if it does not exist. @param url of an existing database, usually `postgres` */
export async function createDatabase(url: string, name: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const found = await sql`select 1 from pg_database where datname = ${name}`;
    if (found.length === 0) await sql`create database ${sql(name)}`;
  } catch (error) {
    const duplicateDatabase = '42P04';
    if (codeOf(error) !== duplicateDatabase) throw error;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one; both go to the postmaster alone. */
async function stopPostgres(child: Spawned): Promise<void> {
  await endBySteps(child, [
    { signal: 'SIGINT', waitMs: 15_000, to: 'process' },
    { signal: 'SIGQUIT', waitMs: 5_000, to: 'process' },
    { signal: 'SIGKILL', waitMs: 5_000 },
  ]);
}
