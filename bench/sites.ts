/** Two organisations, each with a gateway, a worker, a database and a desk, paired through their command lines. */
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sql } from 'drizzle-orm';
import { saveSide } from '#db/settings/apply-links.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { choosePorts } from '#standalone/machine/ports.ts';
import { startChild } from './child.ts';
import { desk } from './federation.ts';
import { programEnv } from './environment.ts';
import type { DeskClient } from './desk-client.ts';
import type { Lane } from './load.ts';
import { hookSecret, seedInstances, seedMirrors, sideSettings } from './seed.ts';
import type { Services } from './services.ts';

export type Sites = {
  readonly near: DeskClient;
  readonly far: DeskClient;
  readonly lanes: readonly Lane[];
  stop(): Promise<void>;
};

type Site = {
  readonly id: string;
  readonly client: DeskClient;
  readonly connection: Connection;
  readonly hook: string;
  ferry(...args: readonly string[]): Promise<string>;
  /** Call it after the pairing, so that nothing is carried half-way. */
  startWorker(): Promise<void>;
};

const run = promisify(execFile);
const command = fileURLToPath(new URL('../bin/ferry.js', import.meta.url));
const link = 'acme-north';
const paceless = 10_000_000;

/** Starts both organisations. `mirrors`: the number of tickets open at both, as if that many had been escalated. */
export async function startSites(services: Services, mirrors: number): Promise<Sites> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.toReversed()) await one();
  };
  try {
    const acme = await startSite('acme', services, stops);
    const north = await startSite('north', services, stops);
    await Promise.all([acme.startWorker(), north.startWorker()]);
    const invited = await north.ferry('link', 'invite', '--as', 'supplier', '--instance', 'north', '--link', link);
    const code = /\bferry_[\w-]+/.exec(invited)?.[0] ?? '';
    await acme.ferry('link', 'accept', code, '--instance', 'acme', '--link', link);
    const [tickets, far] = [await acme.client.open(mirrors), await north.client.open(mirrors)];
    const pairs = tickets.map((near, n) => ({ mirror: randomUUID(), near, far: far[n] ?? '' }));
    for (const [site, side] of [
      [acme, 'customer'],
      [north, 'supplier'],
    ] as const) {
      await openAt(site, side, pairs);
    }
    return {
      near: acme.client,
      far: north.client,
      lanes: pairs.map(({ near, far: to }) => ({ near, far: to })),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startSite(id: string, services: Services, stops: (() => Promise<unknown>)[]): Promise<Site> {
  const { client } = await desk(id, stops);
  const databaseUrl = await services.database(`bench_site_${id}`);
  const connection = connect(databaseUrl, { max: 4, name: 'bench' });
  stops.push(() => connection.close());
  const key = randomBytes(32);
  await seedInstances(connection.db, key, [
    // Its feed is read only once all tickets exist.
    { id, url: client.url, options: { concurrency: 64 }, feed: null },
  ]);
  const [port = 0] = await choosePorts([{ what: 'a gateway', option: '', preferred: 18_400 }]);
  const publicUrl = `http://127.0.0.1:${port}`;
  const env = programEnv({
    databaseUrl,
    temporal: { address: services.temporal, namespace: await services.namespace(`site-${id}`) },
    secretKey: key,
    blobs: `${services.dir}/blobs-site-${id}`,
    log: 'error',
    publicUrl,
    port,
  });
  const gateway = await startChild({ program: 'bench/programs/gateway.ts', env });
  stops.push(() => gateway.stop());
  return {
    id,
    client,
    connection,
    hook: `${publicUrl}/hooks/${id}/${hookSecret}`,
    async ferry(...args) {
      const path = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
      return (await run(process.execPath, [command, ...args], { env: { ...path, ...env } })).stdout;
    },
    async startWorker() {
      const limits = JSON.stringify({ linkPerMinute: paceless });
      const worker = await startChild({ program: 'bench/programs/worker.ts', args: [limits], env });
      stops.push(() => worker.stop());
    },
  };
}

type Pair = { readonly mirror: string; readonly near: string; readonly far: string };

/**
 * Writes the organisation's own settings and its half of the open mirrors, as if each escalation had been handed over
 * and accepted.
 */
async function openAt(site: Site, side: 'customer' | 'supplier', pairs: readonly Pair[]): Promise<void> {
  const { db, sql: raw } = site.connection;
  await db.transaction((tx) =>
    saveSide(tx, {
      link,
      name: side,
      instance: site.id,
      settings: sideSettings(side),
      profile: null,
      own: {},
      by: 'bench',
    }),
  );
  const [peer] = await rows<{ id: string }>(
    db,
    sql`select instance as id from sides where link = ${link} and side <> ${side}`,
  );
  if (peer === undefined) throw new Error('there is no peer');
  const [customer, supplier] = side === 'customer' ? [site.id, peer.id] : [peer.id, site.id];
  await seedMirrors(
    db,
    pairs.map((pair) => ({ ...pair, link, customer, supplier })),
  );
  const counted = side === 'customer' ? sql`sent_seq = 1, acked_seq = 1` : sql`accepted_seq = 1`;
  await db.execute(sql`update lanes set ${counted} where to_instance = ${supplier}`);
  await db.execute(
    sql`update feeds set cursor = ${String(await site.client.position())}, next_poll_at = now() where instance = ${site.id}`,
  );
  await site.client.hook(site.hook);
  await raw`analyze`;
}
