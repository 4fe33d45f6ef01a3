/**
 * A whole federation over real connectors: Halo twins and real RTs, a gateway that receives their webhooks, a worker, a
 * database, and its own Temporal namespace. A links file defines the links, and `ferry apply` applies it.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { ticketRef } from '#core/words/ref.ts';
import { applyLinks, type ApplyOptions } from '#operate/apply/apply.ts';
import { helpdesksOf } from '#operate/apply/helpdesks.ts';
import { createOperator, unlimited } from '#operate/operator.ts';
import { timelineOf, type Timeline } from '#operate/trace/timeline.ts';
import { programEnv } from '#bench/environment.ts';
import { loadConfig } from '#config/env.ts';
import { makeLog } from '#config/log.ts';
import { createHelpdesk, hintOf, manifestOf, manifests } from '#connectors/index.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import type { TicketSnapshot } from '#core/words/vocabulary.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { loadTrace } from '#db/operate/trace.ts';
import { createApp } from '#gateway/app.ts';
import { serve } from '#gateway/serve.ts';
import { runWorker } from '#worker/run-worker.ts';
import type { Limits } from '#activities/deps.ts';
import { freshDatabase } from '#test/support/database.ts';
import { startProgram, type Program, type ProgramOptions } from '#test/support/process.ts';
import { testTemporal } from '#test/support/services.ts';
import type { TcpProxy } from '#test/support/tcp-proxy.ts';
import { tempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';
import { bundleCache, workflowBundle } from './bundle.ts';
import { startHaloDesk, type HaloDesk, type HaloDeskOptions } from './halo-desk.ts';
import { assertInvariants, type CheckedDesk, type CheckOptions } from './invariants.ts';
import { registerNamespace } from './rig.ts';

/** What the rig must know of a desk of any product. */
export type AnyDesk = {
  readonly id: string;
  /** For links files: `<ID>_<name>` each. */
  readonly secrets: Readonly<Record<string, string>>;
  checked(): CheckedDesk | Promise<CheckedDesk>;
  close(): Promise<void>;
};

export type DeskRig = {
  readonly connection: Connection;
  readonly gatewayUrl: string;
  /** For a worker in a separate process. */
  readonly env: Readonly<Record<string, string>>;
  halo(id: string, options: HaloDeskOptions): Promise<HaloDesk>;
  /** Takes a desk along that somebody else started; `close` ends it. */
  add<Desk extends AnyDesk>(desk: Desk): Desk;
  /** As `ferry apply`; secrets come from the desks, or from `over`. Throws with every fault when the file is wrong. */
  apply(yaml: string, options?: ApplyOptions & { readonly over?: Readonly<Record<string, string>> }): Promise<void>;
  startWorker(limits?: Partial<Limits>): Promise<{ stop(): Promise<void> }>;
  /** Every instance that is named, or all, have met their go-live. */
  live(...instances: readonly string[]): Promise<void>;
  /** Returns what `ferry trace` shows. */
  trace(instance: string, ticket: number | string): Promise<Timeline>;
  /** A mirrored ticket as Ferry has last read it. */
  snapshot(instance: string, ticket: number | string): Promise<TicketSnapshot | null>;
  /**
   * Waits until everything that people did on these desks (all by default) is logged, and nothing waits but what is
   * held.
   */
  settled(desks?: readonly AnyDesk[], timeoutMs?: number): Promise<void>;
  /** Waits until everything is carried, then asserts design §10. */
  check(options?: CheckOptions): Promise<void>;
  /** Lines that gateway and worker have logged. */
  log(): string;
  close(): Promise<void>;
};

export type DeskRigOptions = {
  /**
   * Other gateways reach this one through it, as desks do. Gateway and worker are then processes of their own, with the
   * programs that people run; the rig's own limits are not for them.
   */
  readonly line?: TcpProxy;
};

/** How long tests let the watchers sleep between two polls. Milliseconds. */
export const pollMs = 2_000;

export async function startDeskRig(label: string, { line }: DeskRigOptions = {}): Promise<DeskRig> {
  const database = await freshDatabase(label);
  const connection = connect(database.url, { max: 5, name: 'desk-rig' });
  const address = await testTemporal();
  const namespace = `t-${label.replaceAll('_', '-')}-${randomUUID().slice(0, 8)}`;
  await registerNamespace(address, namespace);
  const blobs = await tempDir();
  const secretKey = randomBytes(32);
  const desks = new Map<string, AnyDesk>();
  const stops: (() => Promise<unknown>)[] = [];
  let logged = '';
  const log = makeLog({ level: 'info', name: label, to: { write: (line) => void (logged += line) } });

  const env = programEnv({
    databaseUrl: database.url,
    temporal: { address, namespace },
    secretKey,
    blobs: blobs.path,
    log: 'warn',
    publicUrl: line?.url,
  });
  const config = loadConfig(env);
  const http = createHttpClient({ allow: { http: 'private', privateAddresses: [...config.allowAddresses] } });
  const operator = {
    ...createOperator({
      db: connection.db,
      actor: unlimited({ kind: 'cli', id: 'test', name: 'test' }),
      secretKeys: config.secretKeys,
    }),
    helpdesks: helpdesksOf({ createHelpdesk, manifestOf, manifests, http }),
  };
  const programs: Program[] = [];
  const start = async (options: ProgramOptions): Promise<Program> => {
    const program = await startProgram({ ...options, ready: /"ready":true/ });
    programs.push(program);
    return program;
  };
  let gatewayUrl: string;
  if (line === undefined) {
    const gateway = createApp({ connection, log, version: '0.0.0', hintOf, temporalUp: () => Promise.resolve(true) });
    const served = await serve(gateway, { host: '127.0.0.1', port: 0 });
    gatewayUrl = served.url;
    stops.push(() => served.stop(1_000));
  } else {
    const gateway = await start({ program: 'gateway/main.ts', env });
    line.aim(Number(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(gateway.stdout())?.[1]));
    gatewayUrl = line.url;
    stops.push(() => gateway.stop());
  }

  const rig: DeskRig = {
    connection,
    gatewayUrl,
    env,
    halo: async (id, options) => rig.add(await startHaloDesk(id, gatewayUrl, options)),
    add(desk) {
      desks.set(desk.id, desk);
      return desk;
    },
    async apply(yaml, { over, ...options } = {}) {
      const secrets = {
        env: { ...variables(desks.values()), ...over },
        readSecretFile: () => Promise.reject(new Error('no files here')),
      };
      const result = await applyLinks(operator, yaml, secrets, options);
      if (result.outcome === 'wrong')
        throw new Error(`the links file is wrong:\n${JSON.stringify(result.faults, null, 1)}`);
      if (result.outcome !== 'applied' && result.outcome !== 'unchanged')
        throw new Error(`not applied: ${result.outcome}`);
    },
    async startWorker(limits = {}) {
      if (line !== undefined) {
        const args = ['--bundle-cache', await bundleCache()];
        const worker = await start({ program: 'worker/main.ts', args, env });
        stops.push(() => worker.stop());
        return { stop: async () => void (await worker.stop()) };
      }
      const stopping = new AbortController();
      const running = runWorker(config, log, stopping.signal, {
        createHelpdesk,
        limits: { linkPerMinute: 100_000, lingerMs: 3_000, pollMs, ...limits },
        sweepMs: 1_000,
        bundle: await workflowBundle(blobs.path),
      });
      let failure: unknown = null;
      running.catch((error: unknown) => {
        failure = error;
      });
      const stop = async (): Promise<void> => {
        stopping.abort();
        await running.catch(() => {});
        if (failure !== null) throw failure;
      };
      stops.push(stop);
      return { stop };
    },
    async live(...named) {
      await until(
        async () => {
          const found = await rows<{ id: string }>(
            connection.db,
            sql`select id from instances where live_since is null`,
          );
          return found.every(({ id }) => named.length > 0 && !named.includes(id));
        },
        { what: `${named.join(', ') || 'all instances'} to be live`, timeoutMs: 60_000 },
      );
    },
    trace: async (instance, ticket) =>
      timelineOf(
        instance,
        String(ticket),
        await loadTrace(connection.db, ticketRef(instance, String(ticket)), { notes: true }),
      ),
    async snapshot(instance, ticket) {
      const [found] = await rows<{ snapshot: TicketSnapshot | null }>(
        connection.db,
        sql`select snapshot from tickets where instance = ${instance} and entity = 'ticket' and external_id = ${String(ticket)}`,
      );
      return found?.snapshot ?? null;
    },
    async settled(some = [...desks.values()], timeoutMs = 60_000) {
      let left = '';
      await until(
        async () => {
          left = await unsettled(connection, await seenSince(connection, some));
          return left === '';
        },
        { what: 'everything to be carried', timeoutMs, everyMs: 100 },
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}; left: ${left}`);
      });
    },
    async check(options = {}) {
      await rig.settled();
      await assertInvariants(connection, await seenSince(connection, [...desks.values()]), options);
    },
    log: () => logged + programs.map((program) => program.output()).join(''),
    async close() {
      for (const stop of stops.toReversed()) await stop().catch(() => {});
      for (const desk of desks.values()) await desk.close();
      await http.close();
      await connection.close();
      await database.drop();
      await blobs.remove();
    },
  };
  return rig;
}

/** `ACME_URL` and the like, for every desk. */
export function variables(desks: Iterable<AnyDesk>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { id, secrets } of desks) {
    const prefix = id.toUpperCase().replaceAll('-', '_');
    for (const [name, value] of Object.entries(secrets)) found[`${prefix}_${name}`] = value;
  }
  return found;
}

/** The desks with what was done on them since go-live; what is older is not Ferry's. */
async function seenSince(connection: Connection, desks: readonly AnyDesk[]): Promise<CheckedDesk[]> {
  const found = await rows<{ id: string; since: string | null; after: string | null }>(
    connection.db,
    sql`select id, to_json(live_since)#>>'{}' as since, live_after as after from instances`,
  );
  const liveOf = new Map(found.map(({ id, ...live }) => [id, live]));
  // Go-live is at the desk's newest change. That change is before it, by its id where ids grow, or else by its time.
  const isSeen = (desk: string, { id, at }: { readonly id: string | number; readonly at: string }): boolean => {
    const live = liveOf.get(desk);
    if (live == null || live.since === null) return false;
    return live.after === null ? Date.parse(at) > Date.parse(live.since) : Number(id) > Number(live.after);
  };
  return Promise.all(
    desks.map(async (desk) => {
      const { tickets, ...rest } = await desk.checked();
      const kept = [...tickets].map(
        ([id, ticket]) =>
          [id, { ...ticket, actions: ticket.actions.filter((action) => isSeen(desk.id, action)) }] as const,
      );
      return { ...rest, tickets: new Map(kept) };
    }),
  );
}

/** Describes what is not carried yet, for people; empty if nothing is left. */
async function unsettled(connection: Connection, desks: readonly CheckedDesk[]): Promise<string> {
  const logged = await rows<{ key: string }>(
    connection.db,
    sql`select instance || '/' || ticket || '/' || external_id as key from actions
      union all select instance || '/' || ticket || '/' || external_id from written_ids`,
  );
  const known = new Set(logged.map(({ key }) => key));
  for (const { id, tickets, over } of desks) {
    for (const ticket of tickets.values()) {
      if (over?.has(ticket.id) === true) continue;
      const missing = ticket.actions.find((action) => !known.has(`${id}/${ticket.id}/${action.id}`));
      if (missing !== undefined) return `${id} ${ticket.id} action ${missing.id} is not logged`;
    }
  }
  const waiting = await rows<{ what: string }>(
    connection.db,
    sql`select d.kind || ' ' || d.id || ' to ' || d.to_instance || ', seq ' || d.seq || ' of lane ' || l.head_seq || '-' || l.last_seq
          || ' due ' || coalesce(l.due_at::text, 'never') || ': ' || coalesce(d.reason->>'text', 'not tried') as what
      from deliveries d left join lanes l on l.mirror = d.mirror and l.to_instance = d.to_instance
      where d.outcome is null and d.held_at is null and d.to_instance = any(${`{${desks.map(({ id }) => `"${id}"`).join(',')}}`}::text[])`,
  );
  return waiting.map(({ what }) => what).join('; ');
}
