/** A federation for one measurement: two light desks, a database, a gateway and a worker, each a separate process. */
import { randomBytes, randomUUID } from 'node:crypto';
import { Connection as TemporalConnection, Client as TemporalClient } from '@temporalio/client';
import { connect, type Connection } from '#db/base/client.ts';
import type { Limits } from '#activities/deps.ts';
import { startChild, type Child } from './child.ts';
import { cpuMs } from './cpu.ts';
import { deskClient, type DeskClient } from './desk-client.ts';
import { programEnv } from './environment.ts';
import { seedHistory } from './history.ts';
import type { Lane } from './load.ts';
import { memoryMib } from './memory.ts';
import { median } from './numbers.ts';
import { hookSecret, seedInstances, seedLinks, seedMirrors, type Mirrored } from './seed.ts';
import type { Services } from './services.ts';

export type FederationOptions = {
  readonly services: Services;
  /** Letters; part of the database's name. */
  readonly label: string;
  /**
   * With one customer, `acme`, its desk sends webhooks and is polled. With more, `c0` and so on, all share one desk
   * that does neither.
   */
  readonly customers: number;
  /** The number of open mirrors, spread over the customers. */
  readonly mirrors: number;
  readonly pastActions?: number;
  /** Notes travel from the supplier to the customers. */
  readonly reverse?: boolean;
  readonly limits?: Partial<Limits>;
  readonly profile?: string | undefined;
  /** The key that encrypts contents, 32 bytes. */
  readonly contentKey?: Buffer | undefined;
};

export type Cpu = { readonly [part in 'worker' | 'gateway' | 'postgres' | 'temporal' | 'desks']: number };

export type Federation = {
  readonly near: DeskClient;
  readonly far: DeskClient;
  readonly lanes: readonly Lane[];
  readonly mirrors: readonly Mirrored[];
  readonly connection: Connection;
  readonly temporal: TemporalClient;
  /** Milliseconds of CPU time that each part has used so far. */
  cpu(): Promise<Cpu>;
  /** Mebibytes held by each now. */
  memory(): Promise<Readonly<Record<Exclude<keyof Cpu, 'desks'>, number>>>;
  stop(): Promise<void>;
};

/** With a link's normal rate limit, the benchmark would measure the limit. */
const paceless = 10_000_000;
/** The lightest desk accepts as many requests at a time as anybody sends. */
const deskOptions = { concurrency: 64 };

export async function startFederation(options: FederationOptions): Promise<Federation> {
  const { services, customers } = options;
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.toReversed()) await one();
  };
  try {
    const customerDesk = await desk('acme', stops);
    const supplierDesk = await desk('north', stops);
    const databaseUrl = await services.database(`bench_${options.label}`);
    const connection = connect(databaseUrl, { max: 4, name: 'bench' });
    stops.push(() => connection.close());
    const key = randomBytes(32);
    const names = customers === 1 ? ['acme'] : Array.from({ length: customers }, (_, n) => `c${n}`);
    const tickets = await customerDesk.client.open(options.mirrors);
    const far = await supplierDesk.client.open(options.mirrors);
    await seedInstances(connection.db, key, [
      { id: 'north', url: supplierDesk.client.url, options: deskOptions, feed: await supplierDesk.client.position() },
      ...names.map((id) => ({
        id,
        url: customerDesk.client.url,
        options: deskOptions,
        feed: customers === 1 ? options.mirrors : null,
      })),
    ]);
    await seedLinks(
      connection.db,
      names.map((customer) => ({ id: `${customer}-north`, customer, supplier: 'north' })),
    );
    const mirrors = tickets.map((near, n) => {
      const customer = names[n % names.length] ?? 'acme';
      return { mirror: randomUUID(), link: `${customer}-north`, customer, supplier: 'north', near, far: far[n] ?? '' };
    });
    if (options.pastActions !== undefined) {
      await seedHistory(connection, options.pastActions, { id: 'acme-north', customer: 'acme', supplier: 'north' });
    }
    await seedMirrors(connection.db, mirrors);
    await connection.sql`analyze`;

    const namespace = await services.namespace(options.label);
    const env = programEnv({
      databaseUrl,
      temporal: { address: services.temporal, namespace },
      secretKey: key,
      blobs: `${services.dir}/blobs-${options.label}`,
      log: 'error',
      contentKey: options.contentKey,
    });
    const { profile } = options;
    const gateway = await startChild({ program: 'bench/programs/gateway.ts', env, profile });
    stops.push(() => gateway.stop());
    const limits = JSON.stringify({ linkPerMinute: paceless, ...options.limits });
    const worker = await startChild({ program: 'bench/programs/worker.ts', args: [limits], env, profile });
    stops.push(() => worker.stop());
    const temporalConnection = await TemporalConnection.connect({ address: services.temporal });
    stops.push(() => temporalConnection.close());

    const hookOf = (instance: string): string => `${String(gateway.ready['url'])}/hooks/${instance}/${hookSecret}`;
    if (customers === 1) {
      await customerDesk.client.hook(hookOf('acme'));
      await supplierDesk.client.hook(hookOf('north'));
    }
    const reverse = options.reverse === true;
    return {
      near: reverse ? supplierDesk.client : customerDesk.client,
      far: reverse ? customerDesk.client : supplierDesk.client,
      lanes: mirrors.map((mirror) => ({
        near: reverse ? mirror.far : mirror.near,
        far: reverse ? mirror.near : mirror.far,
        ...(customers === 1 ? {} : { hook: hookOf(reverse ? 'north' : mirror.customer) }),
      })),
      mirrors,
      connection,
      temporal: new TemporalClient({ connection: temporalConnection, namespace }),
      cpu: async () => ({
        worker: await cpuMs(worker.pid),
        gateway: await cpuMs(gateway.pid),
        postgres: await cpuMs(services.postgresPid, true),
        temporal: await cpuMs(services.temporalPid),
        desks: (await cpuMs(customerDesk.child.pid)) + (await cpuMs(supplierDesk.child.pid)),
      }),
      memory: async () => ({
        worker: await memoryMib(worker.pid),
        gateway: await memoryMib(gateway.pid),
        postgres: await memoryMib(services.postgresPid, true),
        temporal: await memoryMib(services.temporalPid),
      }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function desk(
  name: string,
  stops: (() => Promise<unknown>)[],
): Promise<{ readonly child: Child; readonly client: DeskClient }> {
  const child = await startChild({ program: 'twins/light/main.ts', args: [name] });
  stops.push(() => child.stop());
  const client = deskClient(String(child.ready['url']));
  stops.push(() => client.close());
  return { child, client };
}

/** Computes what each part used between two measurements, in milliseconds per action. */
export function cpuPerAction(before: Cpu, after: Cpu, actions: number): Cpu {
  const per = (part: keyof Cpu): number => (after[part] - before[part]) / Math.max(actions, 1);
  return {
    worker: per('worker'),
    gateway: per('gateway'),
    postgres: per('postgres'),
    temporal: per('temporal'),
    desks: per('desks'),
  };
}

/** Computes the median of each part. */
export function middleCpu(cpus: readonly Cpu[]): Cpu {
  const of = (part: keyof Cpu): number => median(cpus.map((cpu) => cpu[part]));
  return {
    worker: of('worker'),
    gateway: of('gateway'),
    postgres: of('postgres'),
    temporal: of('temporal'),
    desks: of('desks'),
  };
}
