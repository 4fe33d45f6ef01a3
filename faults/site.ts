/** One Ferry of a run: a database, a store of files, a gateway and workers as processes, each on its own line. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { programEnv } from '#bench/environment.ts';
import { lightCatalogue } from '#bench/light-connector.ts';
import { connect, type Connection } from '#db/base/client.ts';
import { migrate } from '#db/base/migrate.ts';
import { findBundle } from '#worker/bundle.ts';
import { addInstance, addLink, registerNamespace, secretKey, type LinkOptions } from '#test/federation/rig.ts';
import { startProgram, type Ended, type Program } from '#test/support/process.ts';
import { startFaultProxy, type FaultProxy } from '#test/support/fault-proxy.ts';
import { startTcpProxy, type TcpProxy } from '#test/support/tcp-proxy.ts';
import type { FaultDesk } from './desk/serve.ts';
import { startLine, type Line } from './line.ts';
import type { FaultServices } from './services.ts';

export type WorkerSeat = {
  readonly n: number;
  /** The line to PostgreSQL. */
  readonly line: Line;
  program(): Program | null;
  /** Starts the worker if it is not running. Returns before it is ready. */
  start(more?: Readonly<Record<string, string>>): Promise<Program>;
  /** Counts how often it has ended by itself and was started again, as a real supervisor would do. */
  endedByItself(): number;
};

export type Site = {
  readonly name: string;
  readonly database: string;
  readonly workers: readonly WorkerSeat[];
  readonly blobs: string;
  /** True if the store is small enough to be filled. */
  readonly smallStore: boolean;
  /** The proxy before the gateway; desks' webhooks and other gateways' requests come through it. */
  readonly front: TcpProxy;
  /** An HTTP proxy between the two that can tamper with the traffic. */
  portal(): FaultProxy | null;
  connection(): Connection;
  addWorker(): Promise<WorkerSeat>;
  gateway(): Program | null;
  startGateway(): Promise<void>;
  /** Lets this Ferry drive the desk, and makes the desk send its webhooks here. */
  join(desk: FaultDesk): Promise<void>;
  link(id: string, customer: string, supplier: string, options?: LinkOptions): Promise<void>;
  live(): Promise<void>;
  /** Sends a webhook, as the desk would. */
  hook(desk: string, ticket: string): void;
  ferry(...args: readonly string[]): Promise<Ended & { readonly text: string }>;
  /** Makes name resolution fail for all workers. */
  loseNames(yes: boolean): Promise<void>;
  /** Sets how far the clocks of all workers are ahead, in milliseconds. */
  setClock(aheadMs: number): Promise<void>;
  /** Registers the namespace at Temporal, which may have forgotten it. */
  registerNamespace(): Promise<void>;
  /** Returns everything that its programs have printed. */
  output(): string;
  close(): Promise<void>;
};

const hookSecret = 'faults';
const stopWithinMs = 25_000;
const liveWithinMs = 60_000;
/** After this time a real supervisor starts a worker again. */
const restartMs = 1_000;

/** A desk's writes are abandoned after the first time, and looked for after both. In milliseconds. */
export const deskTimes = { writeTimeoutMs: 5_000, settleMs: 1_500 };
/** What people write here in a minute would exceed a link's usual rate for longer. */
const limits = { linkPerMinute: 100_000 };

export async function startSite(services: FaultServices, name: string): Promise<Site> {
  const database = `site_${name}`;
  const directory = join(services.dir, name);
  const blobs = join(directory, 'blobs');
  const switches = join(directory, 'switches');
  for (const path of [blobs, switches]) await mkdir(path, { recursive: true });
  const smallStore = await services.mountSmall(blobs);
  await services.createDatabase(database);
  await migrate(services.url(database));
  const namespace = `${name}-${randomUUID().slice(0, 8)}`;
  await registerNamespace(services.temporal, namespace);
  const bundle = await findBundle({ prebuilt: '', cache: services.dir }, () => {});
  if (bundle === undefined) throw new Error('no bundle of the workflows can be built');
  const connection = connect(services.url(database), { max: 2, name: 'faults' });
  const front = await startTcpProxy();
  const workers: WorkerSeat[] = [];
  const printed: string[] = [];
  let gateway: Program | null = null;
  let portal: FaultProxy | null = null;
  let closing = false;

  const envWith = (databaseUrl: string): Record<string, string> => ({
    ...programEnv({
      databaseUrl,
      temporal: { address: services.temporal, namespace },
      secretKey,
      blobs,
      log: 'info',
      publicUrl: front.url,
    }),
    FERRY_ALLOW_ADDRESSES: '127.0.0.0/8,::1/128',
    // The store is small, so that it can be filled.
    FERRY_LIMITS: 'freeMiB=2',
    FERRY_TEST_FAULTS: switches,
    FERRY_TEST_BUNDLE: bundle,
    FERRY_TEST_LIMITS: JSON.stringify(limits),
  });
  const keep = async (program: Program): Promise<Ended> => {
    const ended = await program.ended;
    printed.push(program.output());
    return ended;
  };

  const site: Site = {
    name,
    database,
    workers,
    blobs,
    smallStore,
    front,
    portal: () => portal,
    connection: () => connection,
    async addWorker() {
      const line = await startLine(services.postgresPort);
      const url = new URL(services.url(database));
      url.port = String(line.port);
      let program: Program | null = null;
      let alone = 0;
      const seat: WorkerSeat = {
        n: workers.length,
        line,
        program: () => program,
        endedByItself: () => alone,
        async start(more = {}) {
          if (program !== null) return program;
          const started = await startProgram({
            program: 'faults/programs/worker.ts',
            env: { ...envWith(url.href), ...more },
          });
          program = started;
          void keep(started).then(async ({ code }) => {
            if (program === started) program = null;
            if (code === 0 || code === null || closing) return;
            alone += 1;
            await sleep(restartMs);
            if (!closing) await seat.start(more);
          });
          return started;
        },
      };
      workers.push(seat);
      return seat;
    },
    gateway: () => gateway,
    async startGateway() {
      if (gateway !== null) return;
      const started = await startProgram({
        program: 'faults/programs/gateway.ts',
        env: envWith(services.url(database)),
        ready: /"ready":true/,
      });
      gateway = started;
      void keep(started).then(() => {
        if (gateway === started) gateway = null;
      });
      await portal?.close();
      const port = /"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(started.stdout())?.[1];
      portal = await startFaultProxy(`http://127.0.0.1:${port}`);
      front.aim(Number(new URL(portal.url).port));
    },
    async join(desk) {
      const { keepsMarkers, splitMs } = desk.traits;
      await addInstance(connection, desk.id, desk.url, { ...deskTimes, keepsMarkers, splits: splitMs !== null });
      const catalogue = {
        ...lightCatalogue,
        statuses: [...lightCatalogue.statuses, { name: 'working', closed: false }],
      };
      const hash = createHash('sha256').update(hookSecret).digest('hex');
      const { sql } = connection;
      await sql`update catalogues set catalogue = ${JSON.stringify(catalogue)}::text::jsonb where instance = ${desk.id}`;
      await sql`update instances set hook_secret_hash = ${hash} where id = ${desk.id}`;
    },
    link: (id, customer, supplier, options) => addLink(connection, id, customer, supplier, options),
    async live() {
      const deadline = Date.now() + liveWithinMs;
      for (;;) {
        const found = await connection.sql`select id from instances where live_since is null`;
        if (found.length === 0) return;
        if (Date.now() > deadline) throw new Error(`${name} has not gone live:\n${site.output().slice(-2_000)}`);
        await sleep(50);
      }
    },
    hook(desk, ticket) {
      fetch(`${front.url}/hooks/${desk}/${hookSecret}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ticket }),
        signal: AbortSignal.timeout(5_000),
      }).then(
        (reply) => reply.body?.cancel(),
        () => undefined,
      );
    },
    async ferry(...args) {
      const program = await startProgram({ program: 'bin/ferry.js', args, env: envWith(services.url(database)) });
      const ended = await program.ended;
      return { ...ended, text: program.output() };
    },
    loseNames: (yes) =>
      yes ? writeFile(join(switches, 'no-names'), '') : rm(join(switches, 'no-names'), { force: true }),
    setClock: (aheadMs) => writeFile(join(switches, 'clock'), String(aheadMs)),
    registerNamespace: () => registerNamespace(services.temporal, namespace),
    output: () =>
      [...printed, ...[gateway, ...workers.map((seat) => seat.program())].map((one) => one?.output() ?? '')].join(''),
    async close() {
      closing = true;
      await Promise.all(workers.map(async (seat) => seat.program()?.stop(stopWithinMs)));
      await gateway?.stop();
      await connection.close();
      await front.close();
      await portal?.close();
      for (const { line } of workers) await line.close();
      await services.unmount(blobs);
    },
  };
  return site;
}
