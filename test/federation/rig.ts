/**
 * A small federation for tests of the courier: light desks over real HTTP, a real database, a real Temporal with its
 * own namespace, the real gateway and worker. The worker runs here or in a process that can be killed.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Connection as TemporalConnection } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { loadConfig } from '#config/env.ts';
import { makeLog } from '#config/log.ts';
import { sealSecret } from '#config/secrets.ts';
import { ticketRef } from '#core/words/ref.ts';
import { linkSettingsSchema, sideSchema, type SideSettings } from '#core/rules/settings.ts';
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { placeOf } from '#db/base/places.ts';
import { addHints, notifyHints } from '#db/log/hint.ts';
import { runWorker } from '#worker/run-worker.ts';
import type { Limits } from '#activities/deps.ts';
import { credentialsContext } from '#activities/desk/desks.ts';
import { createLightHelpdesk, lightCatalogue } from '#bench/light-connector.ts';
import { programEnv } from '#bench/environment.ts';
import { workflowBundle } from './bundle.ts';
import { assertInvariants, type CheckOptions } from './invariants.ts';
import { startDesk, type LightDesk, type DeskAction, type DeskFault, type DeskTicket } from '#twins/light/server.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { startProgram, type Program } from '#test/support/process.ts';
import { testTemporal } from '#test/support/services.ts';
import { tempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';

export const secretKey = randomBytes(32);

export type RigWorker = { stop(): Promise<void> };

export type Rig = {
  readonly connection: Connection;
  readonly database: TestDatabase;
  readonly namespace: string;
  readonly env: Readonly<Record<string, string>>;
  /** `had`: the desk is in the database already, and had these tickets when it was stopped. */
  desk(id: string, options?: Record<string, unknown>, had?: readonly DeskTicket[]): Promise<RigDesk>;
  /** `customer` and `supplier` override the plain settings of a side. */
  link(id: string, customer: string, supplier: string, options?: LinkOptions): Promise<void>;
  startWorker(limits?: Partial<Limits>): Promise<RigWorker>;
  /** `crash`: see worker-main.ts. `env` is added to the rig's. */
  spawnWorker(limits?: Partial<Limits>, crash?: string, env?: Readonly<Record<string, string>>): Promise<Program>;
  /** Everything carried: no lane is due and nothing waits. */
  settled(timeoutMs?: number): Promise<void>;
  hint(desk: string, ticket: string): Promise<void>;
  /** Waits until everything is carried, then asserts design §10. */
  check(options?: CheckOptions): Promise<void>;
  /** Every instance has met its go-live. */
  live(): Promise<void>;
  close(): Promise<void>;
};

export type LinkOptions = {
  readonly mode?: 'live' | 'shadow';
  readonly customer?: Record<string, unknown>;
  readonly supplier?: Record<string, unknown>;
  readonly notify?: readonly { readonly webhook?: string; readonly mail?: string }[];
};

export type RigDesk = {
  readonly id: string;
  readonly desk: LightDesk;
  open(summary?: string): Promise<string>;
  note(ticket: string, note: string, more?: Partial<DeskAction>): Promise<number>;
  /** Any action of a person, with its webhook. */
  act(ticket: string, action: Partial<DeskAction>): Promise<number>;
  escalate(ticket: string, note?: string): Promise<void>;
  fault(fault: DeskFault): Promise<void>;
  control(body: Record<string, unknown>): Promise<{ requests: number; tickets: DeskTicket[] }>;
  ticket(id: string): DeskTicket;
};

/** `temporal`: the address of another Temporal than the one that tests share. */
export type RigOptions = {
  /** Another Temporal than the one all tests share. */
  readonly temporal?: string;
  /** If absent, a new one is registered there. */
  readonly namespace?: string;
  /** Another database, migrated. */
  readonly database?: TestDatabase;
  /** At which other gateways reach this one. */
  readonly publicUrl?: string;
  /** Contents are sealed with it, 32 bytes. */
  readonly contentKey?: Buffer;
  /** The connectors of workers in this process; light desks by default. */
  readonly createHelpdesk?: (context: ConnectorContext) => Helpdesk;
};

export async function startRig(label: string, options: RigOptions = {}): Promise<Rig> {
  const database = options.database ?? (await freshDatabase(label));
  const connection = connect(database.url, {
    max: 5,
    name: 'rig',
    contentKeys: options.contentKey === undefined ? [] : [options.contentKey],
  });
  const address = options.temporal ?? (await testTemporal());
  const namespace = options.namespace ?? `t-${label.replaceAll('_', '-')}-${randomUUID().slice(0, 8)}`;
  if (options.namespace === undefined) await registerNamespace(address, namespace);
  const blobs = await tempDir();
  const desks = new Map<string, LightDesk>();
  const stops: (() => Promise<unknown>)[] = [];
  const env = programEnv({
    databaseUrl: database.url,
    temporal: { address, namespace },
    secretKey,
    contentKey: options.contentKey,
    blobs: blobs.path,
    log: 'warn',
    publicUrl: options.publicUrl,
  });
  const hint = async (desk: string, ticket: string): Promise<void> => {
    await addHints(connection.db, [ticketRef(desk, ticket)]);
    await notifyHints(connection.db);
  };

  const rig: Rig = {
    connection,
    database,
    namespace,
    env,
    hint,
    async desk(id, options = {}, had) {
      const desk = await startDesk({ name: id, ...(had === undefined ? {} : { tickets: had }) });
      desks.set(id, desk);
      if (had === undefined)
        await addInstance(connection, id, desk.url, { settleMs: 500, writeTimeoutMs: 3_000, ...options });
      else await moveInstance(connection, id, desk.url);
      return rigDesk(id, desk, hint);
    },
    link: (id, customer, supplier, options) => addLink(connection, id, customer, supplier, options),
    async startWorker(limits = {}) {
      const stopping = new AbortController();
      const running = runWorker(loadConfig(env), makeLog({ level: 'warn', name: 'worker' }), stopping.signal, {
        createHelpdesk: (_type, context) => Promise.resolve((options.createHelpdesk ?? createLightHelpdesk)(context)),
        limits: { linkPerMinute: 100_000, lingerMs: 3_000, pollMs: 2_000, ...limits },
        sweepMs: 1_000,
        bundle: await workflowBundle(blobs.path),
      });
      let over: unknown = null;
      running.catch((error: unknown) => {
        over = error;
      });
      const stop = async (): Promise<void> => {
        stopping.abort();
        await running.catch(() => {});
        if (over !== null) throw over;
      };
      stops.push(stop);
      return { stop };
    },
    async spawnWorker(limits = {}, crash = '', more = {}) {
      const program = await startProgram({
        program: 'test/federation/worker-main.ts',
        env: {
          ...env,
          FERRY_TEST_LIMITS: JSON.stringify({ linkPerMinute: 100_000, lingerMs: 3_000, pollMs: 2_000, ...limits }),
          FERRY_TEST_CRASH: crash,
          FERRY_TEST_BUNDLE: await workflowBundle(blobs.path),
          ...more,
        },
        ready: /"ready":true/,
      });
      stops.push(() => program.stop());
      return program;
    },
    async settled(timeoutMs = 30_000) {
      await until(
        async () => {
          // A hint that is being followed is in no table, so the desks themselves say how much there is to log.
          const recorded = [...desks.values()].flatMap((desk) =>
            [...desk.tickets.values()].map((one) => one.actions.length),
          );
          const [row] = await rows<{ waiting: number; logged: number }>(
            connection.db,
            sql`select (select count(*) from deliveries where outcome is null and held_at is null)::int as waiting,
              (select count(*) from actions)::int + (select count(*) from written_ids)::int as logged`,
          );
          const all = recorded.reduce((sum, count) => sum + count, 0);
          return row?.waiting === 0 && row.logged >= all ? true : undefined;
        },
        { what: 'everything to be carried', timeoutMs },
      );
    },
    async check(options = {}) {
      await rig.settled();
      await assertInvariants(
        connection,
        [...desks].map(([id, desk]) => ({ id, tickets: desk.tickets })),
        options,
      );
    },
    async live() {
      await until(
        async () => {
          const found = await rows<{ n: number }>(
            connection.db,
            sql`select count(*)::int as n from instances where live_since is null`,
          );
          return found[0]?.n === 0 ? true : undefined;
        },
        { what: 'all instances to be live', timeoutMs: 30_000 },
      );
    },
    async close() {
      for (const stop of stops.toReversed()) await stop().catch(() => {});
      for (const desk of desks.values()) await desk.close();
      await connection.close();
      await database.drop();
      await rm(blobs.path, { recursive: true, force: true });
    },
  };
  return rig;
}

export async function registerNamespace(address: string, namespace: string): Promise<void> {
  const connection = await TemporalConnection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: 86_400 as unknown as Long },
    });
    await until(
      async () => {
        try {
          await connection.workflowService.describeNamespace({ namespace });
          await connection.workflowService.listWorkflowExecutions({ namespace, query: '' });
          return true;
        } catch {
          return undefined;
        }
      },
      { what: 'the namespace', timeoutMs: 30_000 },
    );
  } finally {
    await connection.close();
  }
}

type Long = NonNullable<
  NonNullable<
    Parameters<TemporalConnection['workflowService']['registerNamespace']>[0]['workflowExecutionRetentionPeriod']
  >['seconds']
>;

export async function addInstance(
  connection: Connection,
  id: string,
  url: string,
  options: Record<string, unknown>,
): Promise<void> {
  const credentials = await sealSecret('{}', credentialsContext(id), secretKey);
  await connection.db.execute(
    sql`insert into instances (id, type, name, url, options, credentials, catalogue_version)
      values (${id}, 'rt', ${id.toUpperCase()}, ${url}, ${JSON.stringify(options)}::jsonb, ${credentials}, 1)`,
  );
  await connection.db.execute(
    sql`insert into catalogues (instance, version, catalogue) values (${id}, 1, ${JSON.stringify(lightCatalogue)}::jsonb)`,
  );
  await connection.db.execute(sql`insert into feeds (instance) values (${id})`);
  await connection.db.execute(sql`insert into couriers (instance) values (${id})`);
}

/** The desk is at another address now, and its credentials are sealed with another key. */
async function moveInstance(connection: Connection, id: string, url: string): Promise<void> {
  const credentials = await sealSecret('{}', credentialsContext(id), secretKey);
  await connection.db.execute(sql`update instances set url = ${url}, credentials = ${credentials} where id = ${id}`);
}

/** Settings with which everything visible travels both ways. */
export function plainSide(side: 'customer' | 'supplier', over: Record<string, unknown> = {}): SideSettings {
  const inbound = {
    statuses: [
      { from: 'open', to: 'open' },
      { from: 'waiting', to: 'waiting' },
      { from: 'closed', to: 'closed' },
    ],
    actions: [{ from: 'Note', to: 'Note' }],
    actionDefault: 'Note',
    fields: [{ from: 'Ref', to: 'Ref', when: 'always' }],
  };
  const outbound = {
    actions: ['Note'],
    ...(side === 'customer' ? { escalates: { kind: 'Escalate' } } : {}),
  };
  const account = { name: side === 'customer' ? 'Supplier' : 'Customers' };
  const given = over as { inbound?: object; outbound?: object; account?: object };
  return sideSchema.parse({
    account: { ...account, ...given.account },
    inbound: { ...inbound, ...given.inbound },
    outbound: { ...outbound, ...given.outbound },
  });
}

export async function addLink(
  connection: Connection,
  id: string,
  customer: string,
  supplier: string,
  options: LinkOptions = {},
): Promise<void> {
  const settings = linkSettingsSchema.parse({ mode: options.mode ?? 'live', notify: options.notify ?? [] });
  await connection.db.execute(sql`insert into links (id, settings) values (${id}, ${JSON.stringify(settings)}::jsonb)`);
  for (const [side, instance, over] of [
    ['customer', customer, options.customer],
    ['supplier', supplier, options.supplier],
  ] as const) {
    const key = `${id}/${side}`;
    await connection.db.execute(
      sql`insert into settings (side, version, settings, changed_by) values (${key}, 1, ${JSON.stringify(plainSide(side, over))}::jsonb, 'test')`,
    );
    await connection.db.execute(
      sql`insert into sides (id, link, side, place, instance, settings_version)
        values (${key}, ${id}, ${side}, ${placeOf(side)}, ${instance}, 1)`,
    );
  }
}

function rigDesk(id: string, desk: LightDesk, hint: Rig['hint']): RigDesk {
  const post = async (path: string, body: object): Promise<unknown> => {
    const reply = await fetch(`${desk.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return reply.json();
  };
  const act = async (ticket: string, action: Partial<DeskAction>): Promise<number> => {
    const made = (await post('/control', { act: { ticket, ...action } })) as { id: number };
    await hint(id, ticket);
    return made.id;
  };
  return {
    id,
    desk,
    async open(summary = 'VPN drops every hour') {
      const made = (await post('/tickets', { summary, description: '<p>It does.</p>' })) as { id: string };
      return made.id;
    },
    act,
    note: (ticket, note, more = {}) => act(ticket, { note, ...more }),
    async escalate(ticket, note = '<p>Please help.</p>') {
      await act(ticket, { kind: 'Escalate', note, visible: false });
    },
    fault: async (fault) => void (await post('/control', { fault })),
    control: async (body) => (await post('/control', body)) as { requests: number; tickets: DeskTicket[] },
    ticket(ticket) {
      const found = desk.tickets.get(ticket);
      if (found === undefined) throw new Error(`${id} has no ticket ${ticket}`);
      return found;
    },
  };
}

/** A ticket of the customer that is open at the supplier. */
export async function opened(customer: RigDesk, supplier: RigDesk): Promise<{ ticket: string; far: string }> {
  const ticket = await customer.open();
  await customer.escalate(ticket);
  const far = await until(() => customer.ticket(ticket).reference ?? undefined, {
    what: `the ticket at ${supplier.id}`,
    timeoutMs: 60_000,
  });
  return { ticket, far };
}
