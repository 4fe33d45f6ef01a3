// `ferry start`: everything on one machine, from an empty directory to a linked pair of helpdesks, and back.
import { mkdir, stat, statfs } from 'node:fs/promises';

import { asJson, asText, local } from './announce.ts';
import type { Running } from './announce.ts';
import { Children } from './children.ts';
import { seedDemo } from './demo.ts';
import type { DemoResult, SeedDemo } from './demo.ts';
import { diskFull, errorLine, exitCodeOf, fromFileSystem } from './errors.ts';
import { keptPorts, keptSecret } from './kept.ts';
import type { PortName, Ports } from './kept.ts';
import { endLeftovers } from './leftovers.ts';
import { lockData } from './lock.ts';
import { defaultDataDir, pathsIn, wipe } from './paths.ts';
import type { Paths } from './paths.ts';
import type { RunningPostgres } from './postgres.ts';
import { database, migrateOrSay, namespace, postgresChild, temporalChild } from './platform.ts';
import { gatewayChild, standardPrograms, twinChild, workerChild } from './programs.ts';
import type { Programs, Surroundings } from './programs.ts';
import type { RunningTemporal } from './temporal.ts';
import { onTermination } from './termination.ts';

export type StartOptions = {
  /** The data directory; without it `.ferry` beside the checkout, for root under /var/lib/ferry. */
  readonly data?: string | undefined;
  /** Wipes the data first. */
  readonly reset?: boolean | undefined;
  /** One line of JSON on stdout once ready, everything else on stderr. */
  readonly json?: boolean | undefined;
  /** No twins, no demo. */
  readonly empty?: boolean | undefined;
  readonly ports?: Readonly<Partial<Record<PortName, number | undefined>>> | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Ends the start; without it SIGINT, SIGTERM and SIGHUP do. */
  readonly signal?: AbortSignal | undefined;
  readonly out?: Output | undefined;
  readonly seed?: SeedDemo | undefined;
  /** Other programs than Ferry's own, for tests. */
  readonly programs?: Programs | undefined;
};

export type Output = { stdout(text: string): void; stderr(text: string): void };

/** PostgreSQL's cluster with its write-ahead log, and room to write an error. */
const leastFreeBytes = 192 * 1024 * 1024;

/**
 * Runs Ferry until it is asked to end, and prints what is wrong when it cannot.
 * @returns the exit code: 0 after an end that was asked for, else that of the error
 */
export async function startStandalone(options: StartOptions = {}): Promise<number> {
  const out = options.out ?? terminal();
  const say = (line: string): void => (options.json === true ? out.stderr : out.stdout)(`${line}\n`);
  const own = options.signal === undefined ? onTermination() : undefined;
  const signal = options.signal ?? own?.signal ?? new AbortController().signal;
  try {
    await run(options, { out, say, signal, impatient: own?.impatient ?? new Promise(() => {}) });
    return 0;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return 0;
    out.stderr(`${errorLine(error)}\n`);
    return exitCodeOf(error);
  } finally {
    own?.release();
  }
}

/** A reader that goes away (`| head -1`, a closed terminal) must not bring Ferry down. */
function terminal(): Output {
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  return {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
  };
}

type Context = {
  readonly out: Output;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  readonly impatient: Promise<void>;
};

async function run(options: StartOptions, context: Context): Promise<void> {
  const { say, signal } = context;
  const paths = pathsIn(options.data ?? defaultDataDir());
  const lock = await lockData(paths.data, say, signal);
  try {
    await endLeftovers(paths.data, say);
    if (options.reset === true) {
      say(`wiping ${paths.data}`);
      await wipe(paths.data);
    }
    await prepare(paths);
    const children = await Children.begin(paths.data, say);
    try {
      await bringUp(options, paths, children, context);
      await untilAborted(signal);
      say('stopping');
    } finally {
      await Promise.race([children.stopAll(), context.impatient.then(() => children.killAll())]);
    }
    say('stopped');
  } finally {
    lock.release();
  }
}

async function prepare(paths: Paths): Promise<void> {
  try {
    for (const dir of [paths.logs, paths.blobs, paths.temporal, paths.twins])
      await mkdir(dir, { recursive: true, mode: 0o700 });
    const { bavail, bsize } = await statfs(paths.data);
    if (bavail * bsize < leastFreeBytes) throw diskFull(paths.data);
  } catch (error) {
    throw fromFileSystem(error, paths.data, "Ferry's data");
  }
}

async function bringUp(options: StartOptions, paths: Paths, children: Children, context: Context): Promise<void> {
  const { say, signal, out } = context;
  const ports = await keptPorts(paths.ports, options.ports ?? {});
  const hasData = await exists(`${paths.data}/postgres`);
  const secretKey = await keptSecret(paths.secretKey, !hasData);
  const adminToken = await keptSecret(paths.adminToken, true);

  say('starting PostgreSQL and Temporal');
  const { pg, temporal } = await platform(options, paths, ports, children, context);
  if (options.reset === true && temporal.pid === undefined)
    say(`the Temporal at ${temporal.address} is not Ferry's own and keeps its data`);

  say(options.empty === true ? 'starting gateway and worker' : 'starting gateway, worker and twins');
  const surroundings: Surroundings = {
    paths,
    ports,
    env: options.env ?? process.env,
    databaseUrl: pg.url(database),
    temporalAddress: temporal.address,
    namespace,
    secretKey,
    adminToken,
    programs: options.programs ?? standardPrograms,
    signal,
  };
  const starts = [
    children.start('gateway', gatewayChild(surroundings)),
    children.start('worker', workerChild(surroundings)),
    ...(options.empty === true
      ? []
      : [
          children.start('acme', twinChild(surroundings, 'acme')),
          children.start('northwind', twinChild(surroundings, 'northwind')),
        ]),
  ];
  // All of them settle first, so that none is started behind the back of the stop that follows a failure.
  for (const result of await Promise.allSettled(starts)) if (result.status === 'rejected') throw result.reason;
  signal.throwIfAborted();

  const demo =
    options.empty === true
      ? undefined
      : await (options.seed ?? seedDemo)({
          databaseUrl: surroundings.databaseUrl,
          temporalAddress: temporal.address,
          gatewayUrl: local(ports.gateway),
          secretKey,
          adminToken,
          twins: { acme: { url: local(ports.acme) }, northwind: { url: local(ports.northwind) } },
          say,
          signal,
        });
  signal.throwIfAborted();
  await children.ready();
  announce(options, out, describe(paths, ports, pg, temporal, adminToken, children, options), demo);
}

/** Both at once. If one fails the other is not waited for, which may be building for minutes. */
async function platform(
  options: StartOptions,
  paths: Paths,
  ports: Ports,
  children: Children,
  { say, signal }: Context,
): Promise<{ readonly pg: RunningPostgres; readonly temporal: RunningTemporal }> {
  const failed = new AbortController();
  const either = { say, signal: AbortSignal.any([signal, failed.signal]) };
  const abortsOther = async <T>(start: Promise<T>): Promise<T> => {
    try {
      return await start;
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  };
  const [pg, temporal] = await Promise.allSettled([
    abortsOther(databaseReady(paths, ports, children, either.signal)),
    abortsOther(temporalChild(options.env, paths, ports, children, either)),
  ]);
  either.signal.throwIfAborted();
  if (pg.status === 'rejected') throw pg.reason;
  if (temporal.status === 'rejected') throw temporal.reason;
  return { pg: pg.value, temporal: temporal.value };
}

async function databaseReady(
  paths: Paths,
  ports: Ports,
  children: Children,
  signal: AbortSignal,
): Promise<RunningPostgres> {
  const pg = await postgresChild(paths, ports, children, signal);
  await pg.createDatabase(database);
  await migrateOrSay(pg.url(database));
  return pg;
}

function describe(
  paths: Paths,
  ports: Ports,
  pg: RunningPostgres,
  temporal: RunningTemporal,
  adminToken: string,
  children: Children,
  options: StartOptions,
): Running {
  return {
    pid: process.pid,
    data: paths.data,
    logs: paths.logs,
    gateway: { url: local(ports.gateway), adminToken },
    postgres: {
      url: pg.url(database),
      host: '127.0.0.1',
      port: pg.port,
      user: pg.user,
      password: pg.password,
      database,
    },
    temporal: { address: temporal.address, namespace, ui: temporal.uiUrl ?? null },
    twins:
      options.empty === true ? {} : { acme: { url: local(ports.acme) }, northwind: { url: local(ports.northwind) } },
    pids: children.pids(),
  };
}

function announce(options: StartOptions, out: Output, running: Running, demo: DemoResult | undefined): void {
  if (options.json === true) out.stdout(`${asJson(running, demo)}\n`);
  else out.stdout(`${asText(running, demo)}\n`);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    // A pending promise alone would let the process end.
    const alive = setInterval(() => {}, 60_000);
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(alive);
        resolve();
      },
      { once: true },
    );
  });
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
