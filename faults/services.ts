/** PostgreSQL and Temporal for a run, on this machine, so that they can be killed, frozen, wiped and restored. */
import { randomInt } from 'node:crypto';
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { mountSmall, unmountNow } from './small-store.ts';
import { isFree } from '#standalone/machine/ports.ts';
import { startPostgres, type RunningPostgres } from '#standalone/machine/postgres.ts';
import { startTemporal, type RunningTemporal } from '#standalone/machine/temporal.ts';

export type FaultServices = {
  readonly dir: string;
  readonly temporal: string;
  postgresPort(): number;
  url(database: string): string;
  createDatabase(name: string): Promise<void>;
  /** Runs statements as the superuser, in that database. */
  asRoot<T>(database: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T>;
  /** Copies a database. `from` has no other connections meanwhile. */
  copyDatabase(from: string, to: string): Promise<void>;
  /** Ends PostgreSQL as a power cut would. */
  killPostgres(): Promise<void>;
  startPostgres(): Promise<void>;
  killTemporal(): Promise<void>;
  startTemporal(): Promise<void>;
  freezeTemporal(): void;
  thawTemporal(): void;
  /** Deletes everything that Temporal knew. It must not be running. */
  wipeTemporal(): Promise<void>;
  /** Mounts a small separate file system at a directory. False if only root may do that. */
  mountSmall(directory: string): Promise<boolean>;
  unmount(directory: string): Promise<void>;
  stop(): Promise<void>;
};

export async function startFaultServices(signal: AbortSignal): Promise<FaultServices> {
  const dir = await mkdtemp(join(tmpdir(), 'ferry-faults-'));
  await chmod(dir, 0o711);
  const ports = { postgres: await keptPort(), temporal: await keptPort() };
  let server: RunningPostgres | null = null;
  let temporal: RunningTemporal | null = null;
  const mounted = new Set<string>();
  // However the program ends, nothing of it stays.
  const end = (): void => {
    for (const pid of [server?.pid, temporal?.pid]) if (pid !== undefined) killed(pid);
    for (const place of mounted) unmountNow(place);
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  process.once('exit', end);

  const running = (): RunningPostgres => {
    if (server === null) throw new Error('PostgreSQL does not run');
    return server;
  };
  let last: RunningPostgres;
  const begin = {
    async postgres(): Promise<void> {
      if (server !== null) return;
      const options = { dataDir: join(dir, 'pg'), durable: true, logFile: join(dir, 'postgres.log') };
      last = server = await patiently(() => startPostgres({ ...options, port: ports.postgres, signal }));
    },
    async temporal(): Promise<void> {
      if (temporal !== null) return;
      temporal = await patiently(() =>
        startTemporal({
          dataDir: join(dir, 'temporal'),
          port: ports.temporal,
          logFile: join(dir, 'temporal.log'),
          progress: (line) => process.stderr.write(`${line}\n`),
          signal,
          // Never uses a Temporal that happens to run.
          env: { ...process.env, TEMPORAL_ADDRESS: '' },
        }),
      );
    },
  };
  const stop = async (): Promise<void> => {
    signalTemporal('SIGCONT');
    await temporal?.stop();
    await server?.stop();
    temporal = server = null;
    process.off('exit', end);
    await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  const signalTemporal = (name: NodeJS.Signals): void => {
    if (temporal?.pid !== undefined) process.kill(temporal.pid, name);
  };
  try {
    await begin.postgres();
    await begin.temporal();
  } catch (error) {
    await stop();
    throw error;
  }

  const asRoot = async <T>(database: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> => {
    const sql = postgres(running().url(database), { max: 1, onnotice: () => {}, connect_timeout: 5 });
    try {
      return await work(sql);
    } finally {
      await sql.end({ timeout: 2 });
    }
  };
  return {
    dir,
    temporal: `127.0.0.1:${ports.temporal}`,
    postgresPort: () => ports.postgres,
    url: (database) => last.url(database),
    createDatabase: (name) => running().createDatabase(name),
    asRoot,
    copyDatabase: (from, to) =>
      asRoot('postgres', async (sql) => {
        await sql`alter database ${sql(from)} with allow_connections false`;
        try {
          // A connection that is terminated needs a moment to go away.
          for (let attempt = 1; ; attempt += 1) {
            await sql`select pg_terminate_backend(pid, 2000) from pg_stat_activity where datname = ${from}`;
            try {
              await sql`create database ${sql(to)} template ${sql(from)}`;
              return;
            } catch (error) {
              const objectInUse = '55006';
              if (attempt === 20 || (error as { code?: string }).code !== objectInUse) throw error;
            }
          }
        } finally {
          await sql`alter database ${sql(from)} with allow_connections true`;
        }
      }),
    async killPostgres() {
      await server?.kill9();
      server = null;
    },
    startPostgres: begin.postgres,
    async killTemporal() {
      await temporal?.kill9();
      temporal = null;
    },
    startTemporal: begin.temporal,
    freezeTemporal: () => signalTemporal('SIGSTOP'),
    thawTemporal: () => signalTemporal('SIGCONT'),
    async wipeTemporal() {
      const folder = join(dir, 'temporal');
      for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
    },
    async mountSmall(directory) {
      if (!(await mountSmall(directory))) return false;
      mounted.add(directory);
      return true;
    },
    async unmount(directory) {
      if (!mounted.delete(directory)) return;
      unmountNow(directory);
    },
    stop,
  };
}

/** Tries again while the port is taken for a moment, by a process that was just killed or by an outgoing connection. */
async function patiently<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (attempt === portTries || (error as { code?: unknown }).code !== 'port-taken') throw error;
      await sleep(500);
    }
  }
}

const portTries = 20;

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/**
 * Picks a port below the range that the system gives to outgoing connections; from that range, a server that is away
 * could lose its port.
 */
async function keptPort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000);
    if (await isFree(port)) return port;
  }
}
