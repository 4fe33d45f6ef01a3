/** Starts everything, each part as soon as the parts it depends on are running. */
import { stat } from 'node:fs/promises';

import { local } from './ports.ts';
import type { Running } from './announce.ts';
import type { Children, RunningChild, StartChild } from './children.ts';
import type { SeedDemo } from '#standalone/demo/demo.ts';
import type { DemoResult } from '#standalone/demo/demo-result.ts';
import { keptDesks, twinNames } from '#standalone/demo/demo-desks.ts';
import type { DemoDesks } from '#standalone/demo/demo-desks.ts';
import { keptSecret } from './kept.ts';
import type { PortName, Ports } from './kept.ts';
import type { Page } from '#standalone/page/page.ts';
import type { PartName } from '#standalone/page/progress.ts';
import { logFile } from './paths.ts';
import type { Paths } from './paths.ts';
import type { RtAccess } from '#standalone/rt/child.ts';
import { database, migrateOrSay, namespace, postgresChild, temporalChild } from './platform.ts';
import type { RunningPostgres } from './postgres.ts';
import { gatewayChild, standardPrograms, twinChild, workerChild } from './programs.ts';
import type { Programs, Surroundings } from './programs.ts';
import type { RunningTemporal } from './temporal.ts';

export type BringUpOptions = {
  readonly reset?: boolean | undefined;
  readonly empty?: boolean | undefined;
  readonly rt?: boolean | undefined;
  readonly temporalUi?: boolean | undefined;
  readonly uncheckedDownload?: boolean | undefined;
  readonly ports?: Readonly<Partial<Record<PortName, number | undefined>>> | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly seed?: SeedDemo | undefined;
  readonly programs?: Programs | undefined;
};

export type Up = {
  readonly running: Running;
  readonly demo: DemoResult | undefined;
  readonly desks: DemoDesks | null;
  /** Password of the agent whom the demo logs in if Northwind is a Request Tracker. */
  readonly agentPassword: string | null;
  /** base64, 32 bytes. */
  readonly secretKey: string;
};

type Context = {
  readonly ports: Ports;
  /** The page that shows progress; undefined without a demo. */
  readonly page: Page | undefined;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
};

/** Settles when everything is running, or when one part failed and nothing else is starting. */
export async function bringUp(
  options: BringUpOptions,
  paths: Paths,
  children: Children,
  { ports, page, say, signal: asked }: Context,
): Promise<Up> {
  const secretKey = await keptSecret(paths.secretKey, !(await exists(`${paths.data}/postgres`)));
  const kept = options.empty === true ? null : await keptDesks(paths.demo, ports);
  const env = options.env ?? process.env;
  const programs = options.programs ?? standardPrograms;

  const parts = oneFailsAll(asked);
  const { signal } = parts;
  const part = <T>(work: Promise<T>, name: PartName): Promise<T> =>
    parts.part(page === undefined ? work : page.progress.follow(name, work));
  say(
    kept === null ? 'starting PostgreSQL and Temporal' : 'starting PostgreSQL, Temporal, and the helpdesks of the demo',
  );
  const pg = part(databaseReady(paths, ports, children, signal), 'postgres');
  const temporal = part(
    temporalChild(options.env, paths, ports, children, {
      ...{ say, signal },
      ui: options.temporalUi === true || options.ports?.temporalUi !== undefined,
      uncheckedDownload: options.uncheckedDownload === true,
    }),
    'temporal',
  );
  const rt = kept !== null && options.rt === true ? parts.part(rtFor(paths, ports, kept, say)) : undefined;
  const northwind = (desks: DemoDesks): Promise<unknown> =>
    rt === undefined
      ? children.start('northwind', twinChild({ paths, ports, env, programs, signal, desks }, 'northwind'))
      : rt.then(({ start }) => children.start('northwind', start(signal)));
  const twins =
    kept === null
      ? []
      : [
          part(children.start('acme', twinChild({ paths, ports, env, programs, signal, desks: kept }, 'acme')), 'acme'),
          part(northwind(kept), 'northwind'),
        ];
  const surroundings = async (): Promise<Surroundings> => ({
    ...{ paths, ports, env, namespace, secretKey, programs, signal },
    databaseUrl: (await pg).url(database),
    // The gateway accepts hooks without Temporal, so it does not wait while Temporal is being built.
    temporalAddress: env['TEMPORAL_ADDRESS'] || `127.0.0.1:${ports.temporal}`,
  });
  const gateway = part(
    surroundings().then((all) => {
      signal.throwIfAborted();
      say('starting gateway and worker');
      return children.start('gateway', gatewayChild(all));
    }),
    'gateway',
  );
  const worker = part(
    Promise.all([surroundings(), temporal]).then(([all, { address }]) => {
      signal.throwIfAborted();
      return children.start('worker', workerChild({ ...all, temporalAddress: address }));
    }),
    'worker',
  );
  const carriers = parts.part(Promise.all([gateway, worker]));
  const desks = kept === null ? null : withToken(kept, (await rt?.catch(() => undefined))?.access.token);
  const demo =
    desks === null
      ? undefined
      : part(
          Promise.all([pg, seeder(options.seed), ...twins]).then(([{ url }, seed]) =>
            seed({
              ...{ databaseUrl: url(database), gatewayUrl: local(ports.gateway), secretKey, desks },
              ...{ carriers, say, signal },
            }),
          ),
          'demo',
        );
  await parts.settled();
  asked.throwIfAborted();
  if (options.reset === true && (await temporal).pid === undefined)
    say(`the Temporal at ${(await temporal).address} is not Ferry's own and keeps its data`);
  await children.ready();
  return {
    running: describe(paths, ports, await pg, await temporal, children, page),
    demo: await demo,
    desks,
    agentPassword: (await rt)?.access.password ?? null,
    secretKey,
  };
}

type Rt = {
  readonly access: RtAccess;
  readonly start: (signal: AbortSignal) => StartChild<RunningChild>;
};

async function rtFor(paths: Paths, ports: Ports, desks: DemoDesks, say: (line: string) => void): Promise<Rt> {
  const { prepareRt, rtChild } = await import('#standalone/rt/child.ts');
  const { site, access } = await prepareRt(paths, ports, desks, say);
  return { access, start: (signal) => rtChild(site, access.token, logFile(paths, 'northwind'), signal) };
}

function withToken(desks: DemoDesks, token: string | undefined): DemoDesks {
  return token === undefined ? desks : { ...desks, northwind: { ...desks.northwind, token } };
}

type Parts = {
  readonly signal: AbortSignal;
  part<T>(work: Promise<T>): Promise<T>;
  /** Rejects with the first failure, but only when no part is starting, so that a stop sees all of them. */
  settled(): Promise<void>;
};

/** If one part fails, rejects without waiting for the others, because one may be building for minutes. */
function oneFailsAll(asked: AbortSignal): Parts {
  const failed = new AbortController();
  const signal = AbortSignal.any([asked, failed.signal]);
  const all: Promise<unknown>[] = [];
  return {
    signal,
    part(work) {
      const watched = work.catch((error: unknown) => {
        failed.abort(error);
        throw error;
      });
      all.push(watched);
      return watched;
    },
    async settled() {
      await Promise.allSettled(all);
      signal.throwIfAborted();
    },
  };
}

/** Loads the demo while other programs start, because it imports most of Ferry. */
async function seeder(given: SeedDemo | undefined): Promise<SeedDemo> {
  return given ?? (await import('#standalone/demo/demo.ts')).seedDemo;
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
  children: Children,
  page: Page | undefined,
): Running {
  const { port, user, password } = pg;
  return {
    pid: process.pid,
    data: paths.data,
    logs: paths.logs,
    page: page === undefined ? null : { url: page.url },
    gateway: { url: local(ports.gateway) },
    postgres: { url: pg.url(database), host: '127.0.0.1', port, user, password, database },
    temporal: { address: temporal.address, namespace, ui: temporal.uiUrl ?? null },
    twins: page === undefined ? {} : Object.fromEntries(twinNames.map((name) => [name, { url: local(ports[name]) }])),
    pids: children.pids(),
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
