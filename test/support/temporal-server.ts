// Temporal as in production: its server on PostgreSQL, not the CLI's dev server. The two programs come from
// `go install` (docs/running.md); if they are missing, tests that need them are skipped with one visible line.
import { execFile } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import postgres from 'postgres';

import { isExecutable } from '#standalone/machine/executables.ts';
import { isFree } from '#standalone/machine/ports.ts';
import { cacheDirectory } from '#standalone/machine/temporal-find.ts';

import { startProgram } from './process.ts';
import type { Program } from './process.ts';
import { testPostgres } from './services.ts';
import { tempDir } from './temp.ts';
import { until } from './wait.ts';

const run = promisify(execFile);

export type TemporalPrograms = { readonly server: string; readonly sql: string };

export const temporalServerMissing =
  'no Temporal server: go install go.temporal.io/server/cmd/server@v1.31.2 and go.temporal.io/server/cmd/tools/sql@v1.31.2, or name their folder in FERRY_TEST_TEMPORAL_SERVER';

/**
 * The server and its SQL tool: in the folder that FERRY_TEST_TEMPORAL_SERVER names, in Ferry's cache, or where
 * `go install` puts them. Their names there are common words, so each is asked what it is.
 */
export async function findTemporalServer(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<TemporalPrograms | undefined> {
  const named = env['FERRY_TEST_TEMPORAL_SERVER'];
  const folders = named ? [named] : [cacheDirectory(env), ...goFolders(env)];
  for (const folder of folders) {
    const server = await firstOf(folder, ['temporal-server', 'server'], /^temporal version \d/);
    const sql = await firstOf(folder, ['temporal-sql-tool', 'sql'], /^temporal-sql-tool version \d/);
    if (server !== undefined && sql !== undefined) return { server, sql };
  }
  return undefined;
}

function goFolders(env: Readonly<Record<string, string | undefined>>): string[] {
  const paths = (env['GOPATH'] ?? '').split(delimiter).filter((path) => path !== '');
  const home = env['HOME'];
  return [
    ...(env['GOBIN'] ? [env['GOBIN']] : []),
    ...paths.map((path) => join(path, 'bin')),
    ...(home ? [join(home, 'go', 'bin')] : []),
  ];
}

async function firstOf(folder: string, names: readonly string[], answer: RegExp): Promise<string | undefined> {
  for (const name of names) {
    const path = join(folder, name);
    if (!(await isExecutable(path))) continue;
    const told = await run(path, ['--version'], { timeout: 10_000 }).catch(() => ({ stdout: '' }));
    if (answer.test(told.stdout)) return path;
  }
  return undefined;
}

export type TemporalServer = {
  /** host:port of the frontend. */
  readonly address: string;
  readonly pid: number;
  output(): string;
  stop(): Promise<void>;
};

/**
 * Starts two separate databases in the test PostgreSQL, their schema by the SQL tool, then the server on free ports.
 */
export async function startTemporalServer(programs: TemporalPrograms): Promise<TemporalServer> {
  const url = new URL(await testPostgres());
  const names = { temporal: databaseName('temporal'), visibility: databaseName('visibility') };
  const dir = await tempDir();
  let program: Program | undefined;
  const stop = async (): Promise<void> => {
    await program?.stop();
    await dropDatabases(url, Object.values(names));
    await dir.remove();
  };
  try {
    await Promise.all([
      setUp(programs.sql, url, names.temporal, 'temporal'),
      setUp(programs.sql, url, names.visibility, 'visibility'),
    ]);
    const dynamic = join(dir.path, 'dynamic.yaml');
    await writeFile(dynamic, '{}\n');
    for (let attempt = 1; ; attempt += 1) {
      const port = await lowPort();
      program = await startProgram({
        program: programs.server,
        command: programs.server,
        args: ['start'],
        cwd: dir.path,
        env: await serverEnv(url, names, dynamic, port),
      });
      const address = `127.0.0.1:${port}`;
      const answers = await untilServing(program, address);
      if (answers) return { address, pid: program.pid, output: program.output, stop };
      const isTaken = /address already in use/.test(program.output());
      if (!isTaken || attempt === 3)
        throw new Error(`Temporal's server ended; it printed:\n${program.output().slice(-4000)}`);
    }
  } catch (error) {
    await stop();
    throw error;
  }
}

function databaseName(label: string): string {
  return `t_${label}_${randomBytes(6).toString('hex')}`;
}

/** The same three calls as the schema service of docker-compose.yml. */
async function setUp(tool: string, url: URL, database: string, schema: 'temporal' | 'visibility'): Promise<void> {
  const connection = [
    ...['--plugin', 'postgres12', '--ep', url.hostname, '-p', url.port, '--db', database],
    ...['-u', decodeURIComponent(url.username)],
  ];
  const call = async (...args: string[]): Promise<void> => {
    await run(tool, [...connection, ...args], {
      env: { PATH: process.env['PATH'] ?? '', SQL_PASSWORD: decodeURIComponent(url.password) },
      timeout: 30_000,
      maxBuffer: 16 * 1024 * 1024,
    });
  };
  await call('create');
  await call('setup-schema', '-v', '0.0');
  await call('update-schema', '--schema-name', `postgresql/v12/${schema}`);
}

async function serverEnv(
  url: URL,
  names: { readonly temporal: string; readonly visibility: string },
  dynamic: string,
  port: number,
): Promise<Record<string, string>> {
  const portsOf = ['HISTORY', 'MATCHING', 'WORKER'].flatMap((service) => [
    `${service}_GRPC_PORT`,
    `${service}_MEMBERSHIP_PORT`,
  ]);
  const others: Record<string, string> = {};
  for (const name of [...portsOf, 'FRONTEND_MEMBERSHIP_PORT', 'FRONTEND_HTTP_PORT'])
    others[name] = String(await lowPort());
  return {
    DB: 'postgres12',
    DB_PORT: url.port,
    POSTGRES_SEEDS: url.hostname,
    POSTGRES_USER: decodeURIComponent(url.username),
    POSTGRES_PWD: decodeURIComponent(url.password),
    DBNAME: names.temporal,
    VISIBILITY_DBNAME: names.visibility,
    // The test PostgreSQL is shared; four services each have their own pools.
    SQL_MAX_CONNS: '10',
    SQL_VIS_MAX_CONNS: '4',
    NUM_HISTORY_SHARDS: '4',
    BIND_ON_IP: '127.0.0.1',
    TEMPORAL_BROADCAST_ADDRESS: '127.0.0.1',
    FRONTEND_GRPC_PORT: String(port),
    ...others,
    DYNAMIC_CONFIG_FILE_PATH: dynamic,
    TEMPORAL_ALLOW_NO_AUTH: 'true',
    LOG_LEVEL: 'warn',
    TZ: 'UTC',
  };
}

/**
 * The server stores its services' ports in a column of two signed bytes, and the system picks higher ones by default.
 */
async function lowPort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000);
    if (await isFree(port)) return port;
  }
}

/** False when it has ended instead. */
async function untilServing(program: Program, address: string): Promise<boolean> {
  const over = { yet: false };
  void program.ended.then(() => {
    over.yet = true;
  });
  const connection = Connection.lazy({ address });
  try {
    await until(
      async () => {
        if (over.yet) return true;
        await connection.withDeadline(Date.now() + 2_000, () => connection.workflowService.getClusterInfo({}));
        return true;
      },
      { what: "Temporal's server to answer", timeoutMs: 40_000, everyMs: 100 },
    );
  } catch (error) {
    throw new Error(`${(error as Error).message}; it printed:\n${program.output().slice(-4000)}`, { cause: error });
  } finally {
    await connection.close();
  }
  return !over.yet;
}

async function dropDatabases(url: URL, names: readonly string[]): Promise<void> {
  const sql = postgres(url.href, { max: 1, onnotice: () => {} });
  try {
    for (const name of names) await sql`drop database if exists ${sql(name)} with (force)`;
  } finally {
    await sql.end({ timeout: 5 });
  }
}
