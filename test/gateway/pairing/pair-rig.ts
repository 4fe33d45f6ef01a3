/**
 * Gateways of different organisations for tests of pairing: each with its own database and the real HTTP, OAuth and
 * pairing code, and, where the workflow runs, a worker with its own Temporal namespace. The answers of the rest of the
 * API are scripted.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { createAdaptorServer } from '@hono/node-server';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client as TemporalClient, Connection as TemporalConnection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { sql } from 'drizzle-orm';
import { Hono, type Context } from 'hono';
import { makeLog } from '#config/log.ts';
import { openSecret, sealSecret } from '#config/secrets.ts';
import { fetchJson } from '#protocols/ferry/fetch-json.ts';
import { readIdentity } from '#protocols/ferry/identity.ts';
import { checkPeerUrl } from '#protocols/ferry/peer-url.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { ensureKeys, publicKeys } from '#db/links/keys.ts';
import { createPeerLink, setLinkState } from '#db/links/link-life.ts';
import { authenticate, type CallerEnv } from '#gateway/oauth/authenticate.ts';
import { createKeyRing } from '#gateway/oauth/key-ring.ts';
import { oauthRoutes } from '#gateway/oauth/routes.ts';
import { linkRoutes } from '#gateway/pairing/link-routes.ts';
import { pairingRoutes } from '#gateway/pairing/routes.ts';
import { problem, ProblemError } from '#gateway/problems.ts';
import { createConnectActivities } from '#activities/pairing/connect.ts';
import { taskQueue } from '#workflows/contract.ts';
import { createLinkChores } from '#worker/link-chores.ts';
import { freshDatabase } from '#test/support/database.ts';
import { ferry, type Ran } from '#test/cli/run.ts';
import { testTemporal } from '#test/support/services.ts';
import { until } from '#test/support/wait.ts';

export const allowAddresses = ['127.0.0.0/8'];

export type PairGateway = {
  /** The instance's id, too. */
  readonly name: string;
  readonly url: string;
  readonly issuer: string;
  readonly connection: Connection;
  readonly databaseUrl: string;
  readonly seal: (plain: string, context: string) => Promise<string>;
  readonly open: (sealed: string, context: string) => Promise<string>;
  readonly files: Map<string, Uint8Array>;
  /** The highest accepted seq of each lane, as the gateway reports it. */
  readonly lanes: Map<string, number>;
  /** Answers before anything else does; undefined lets the request continue. */
  intercept: ((c: Context) => Response | undefined | Promise<Response | undefined>) | null;
  /** Of the gateway's clock, milliseconds. */
  clockOffsetMs: number;
  /** Runs a command against this gateway's database, with its environment. */
  ferry(...args: readonly string[]): Promise<Ran>;
  rows<Row extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<readonly Row[]>;
  startWorker(): Promise<void>;
  close(): Promise<void>;
};

export type PairGatewayOptions = {
  /** The address given to others instead of the one where it listens. */
  readonly publicUrl?: (url: string) => string;
  readonly allow?: readonly string[];
};

export async function openGateway(name: string, options: PairGatewayOptions = {}): Promise<PairGateway> {
  const allow = options.allow ?? allowAddresses;
  const database = await freshDatabase(`pair_${name}`);
  const connection = connect(database.url, { max: 5 });
  const { db } = connection;
  const secretKey = randomBytes(32);
  const seal = (plain: string, context: string): Promise<string> => sealSecret(plain, context, secretKey);
  const open = (sealed: string, context: string): Promise<string> => openSecret(sealed, context, [secretKey]);
  const http = createHttpClient({ allow: { http: true, privateAddresses: [...allow] } });
  let app: Hono | null = null;
  const server = createAdaptorServer({
    fetch: (request: Request, env: unknown) => (app ?? new Hono()).fetch(request, env as object),
  }) as Server;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const listening = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = options.publicUrl?.(listening) ?? listening;
  const files = new Map<string, Uint8Array>();
  const stops: (() => Promise<unknown>)[] = [];

  await db.execute(sql`insert into instances (id, type, name, url, credentials, state, live_since)
    values (${name}, 'halo', ${name.charAt(0).toUpperCase() + name.slice(1)}, 'https://desk.example', 'sealed', 'up', now())`);

  const env = {
    DATABASE_URL: database.url,
    FERRY_SECRET_KEY: secretKey.toString('base64'),
    FERRY_PUBLIC_URL: url,
    FERRY_ALLOW_ADDRESSES: allow.join(','),
    TEMPORAL_ADDRESS: '127.0.0.1:1',
  };
  const gateway: PairGateway = {
    name,
    url,
    issuer: `${url}/i/${name}`,
    connection,
    databaseUrl: database.url,
    seal,
    open,
    files,
    lanes: new Map(),
    intercept: null,
    clockOffsetMs: 0,
    ferry: (...args) => ferry(args, { env }),
    rows: (query) => rows(db, query),
    async startWorker() {
      quiet ??= Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
      const address = await testTemporal();
      const namespace = `t-pair-${randomUUID().slice(0, 8)}`;
      await registerNamespace(address, namespace);
      const log = makeLog({ level: 'error', name: 'worker' });
      const native = await NativeConnection.connect({ address });
      const temporal = await TemporalConnection.connect({ address });
      const worker = await Worker.create({
        connection: native,
        namespace,
        taskQueue,
        workflowBundle: { code: await bundled() },
        activities: createConnectActivities({
          db,
          http,
          publicUrl: url,
          allowAddresses: allow,
          seal,
          open,
          wake: () => {},
          log,
        }),
        shutdownGraceTime: 500,
        shutdownForceTime: 5_000,
      });
      const running = worker.run();
      const client = new TemporalClient({ connection: temporal, namespace });
      const chores = createLinkChores({ db, temporal: () => client, log });
      let stopped = false;
      const tending = (async () => {
        while (!stopped) {
          await chores();
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      })();
      stops.push(async () => {
        stopped = true;
        await tending;
        worker.shutdown();
        await running;
        await temporal.close();
        await native.close();
      });
    },
    async close() {
      for (const stop of stops.toReversed()) await stop();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await http.close();
      await connection.close();
      await database.drop();
    },
  };

  const keys = createKeyRing({ db, open });
  const now = (): Date => new Date(Date.now() + gateway.clockOffsetMs);
  const auth = authenticate({ db, publicUrl: url, keys, now });
  app = new Hono();
  app.use(async (c, next) => {
    const answer = await gateway.intercept?.(c);
    if (answer !== undefined) return answer;
    return next();
  });
  app.route('/', oauthRoutes({ db, publicUrl: url, keys, now, fetchJson: (at) => fetchJson(http, at) }));
  app.route(
    '/',
    pairingRoutes({
      db,
      publicUrl: url,
      seal,
      now,
      identify: async (issuer) => {
        await checkPeerUrl(issuer, { allowAddresses: allow });
        return readIdentity(http, issuer, AbortSignal.timeout(10_000));
      },
    }),
  );
  app.route(
    '/',
    linkRoutes({
      attachmentBytes: 512 * 1024 * 1024,
      unreferencedBytes: 1024 * 1024 * 1024,
      db,
      authenticate: auth,
      now,
      wake: () => {},
    }),
  );
  app.route('/', planted(gateway, auth));
  app.notFound(() => problem('not-found'));
  app.onError((error) => {
    if (error instanceof ProblemError) return problem(error.code, error.message);
    console.error(error);
    return problem('internal');
  });
  return gateway;
}

/** A link between the two, active on both sides under the same id, without the commands that pair. */
export async function join(customer: PairGateway, supplier: PairGateway, link: string): Promise<void> {
  for (const [own, far, side] of [
    [customer, supplier, 'customer'],
    [supplier, customer, 'supplier'],
  ] as const) {
    const { db } = own.connection;
    await ensureKeys(db, own.seal, own.name);
    await ensureKeys(far.connection.db, far.seal, far.name);
    const keys = await publicKeys(far.connection.db, far.name);
    await db.transaction(async (tx) => {
      await createPeerLink(tx, {
        link,
        side,
        instance: own.name,
        far: { id: `${far.name}-peer`, issuer: far.issuer, name: far.name },
        peer: { clientId: `${link}-${own.name}`, api: far.url, farLink: link },
        client: {
          id: `${link}-${far.name}`,
          jwksUri: `${far.issuer}/jwks.json`,
          jwks: { keys: keys.map((key) => ({ ...key })) },
        },
        ownContact: { name: `Duty at ${own.name}` },
        farContact: { name: `Duty at ${far.name}`, phone: '+49 30 1' },
        seal: own.seal,
        by: 'test',
      });
      await setLinkState(tx, link, 'active', null);
    });
  }
}

/** The parts of the remaining API that these tests need. */
function planted(gateway: PairGateway, auth: ReturnType<typeof authenticate>): Hono<CallerEnv> {
  const routes = new Hono<CallerEnv>();
  routes.use('/v1/*', auth);
  routes.get('/v1/instance', (c) =>
    c.json({ issuer: gateway.issuer, name: gateway.name, wireVersion: 1, version: '0' }),
  );
  for (const side of ['customer', 'supplier'])
    routes.get(`/v1/${side}/lanes`, (c) => {
      const after = c.req.query('after') ?? '';
      // One entry per page, so that a client that reads only the first page fails.
      const [next] = [...gateway.lanes].toSorted(([a], [b]) => (a < b ? -1 : 1)).filter(([mirror]) => mirror > after);
      const lanes = next === undefined ? [] : [{ mirror: next[0], accepted: next[1] }];
      return c.json({ lanes, next: next === undefined ? null : next[0] });
    });
  routes.get('/v1/catalogue', (c) =>
    c.json({
      statuses: [{ name: 'New', closed: false }],
      categories: [],
      types: [],
      priorities: [],
      fields: [],
      kinds: [{ name: 'Update', hidden: false, mails: false, sends: 'none', status: null }],
      accounts: [],
      teams: [],
    }),
  );
  routes.put('/v1/attachments/:digest', async (c) => {
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (digest !== c.req.param('digest')) return problem('invalid-checks');
    gateway.files.set(digest, bytes);
    return c.body(null, 201);
  });
  routes.get('/v1/attachments/:digest', (c) => {
    const bytes = gateway.files.get(c.req.param('digest'));
    return bytes === undefined ? problem('not-found') : c.body(bytes as Uint8Array<ArrayBuffer>, 200);
  });
  return routes;
}

let quiet: Runtime | null = null;
let bundle: Promise<string> | null = null;

/** Made once for all gateways of a test file. */
async function bundled(): Promise<string> {
  bundle ??= bundleWorkflowCode({
    workflowsPath: fileURLToPath(import.meta.resolve('#workflows/all.ts')),
    logger: new DefaultLogger('WARN'),
  }).then(({ code }) => code);
  return bundle;
}

async function registerNamespace(address: string, namespace: string): Promise<void> {
  const connection = await TemporalConnection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
    });
    await until(
      async () => {
        await connection.workflowService.describeNamespace({ namespace });
        return true;
      },
      { what: 'the namespace', timeoutMs: 30_000 },
    );
  } finally {
    await connection.close();
  }
}
