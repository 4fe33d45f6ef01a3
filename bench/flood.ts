/** What a well-behaved API client experiences while another one takes all that it can get. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from '#db/base/client.ts';
import { choosePorts } from '#standalone/machine/ports.ts';
import { startChild } from './child.ts';
import { programEnv } from './environment.ts';
import { median, percentiles, rounded, type Percentiles } from './numbers.ts';
import { seedInstances } from './seed.ts';
import type { Services } from './services.ts';

export type Flood = {
  readonly url: string;
  readonly token: string;
  readonly lines: number;
  readonly seconds: number;
  readonly kinds: readonly ('reads' | 'batches' | 'junk' | 'guesses')[];
};

export type FloodFelt = {
  /** The neighbour's requests, in the round with the median ratio. In milliseconds. */
  readonly rest: Percentiles;
  readonly flooded: Percentiles;
  /** The p95 in the flood divided by the p95 at rest, for each round. */
  readonly ratios: readonly number[];
  readonly ratio: number;
  /** The neighbour's answers that were not successes. */
  readonly failed: number;
  /** The answers that the flooder got in all rounds, by status. */
  readonly flooder: Readonly<Record<string, number>>;
};

const run = promisify(execFile);
const command = fileURLToPath(new URL('../bin/ferry.js', import.meta.url));
const rounds = 3;
const lines = 32;
const everyMs = 100;

/**
 * Measures a neighbour at rest and in a flood.
 * @param seconds of each rest and each flood
 */
export async function measureFlood(
  services: Services,
  seconds: number,
  progress: (line: string) => void,
): Promise<FloodFelt> {
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const databaseUrl = await services.database('bench_flood');
    const connection = connect(databaseUrl, { max: 2, name: 'bench' });
    stops.push(() => connection.close());
    const key = randomBytes(32);
    await seedInstances(connection.db, key, [{ id: 'north', url: 'http://127.0.0.1:1', options: {}, feed: null }]);
    const [port = 0] = await choosePorts([{ what: 'a gateway', option: '', preferred: 18_500 }]);
    const url = `http://127.0.0.1:${port}`;
    const env = programEnv({
      databaseUrl,
      temporal: { address: services.temporal, namespace: await services.namespace('flood') },
      secretKey: key,
      blobs: `${services.dir}/blobs-flood`,
      log: 'error',
      publicUrl: url,
      port,
      unlimited: false,
    });
    const gateway = await startChild({ program: 'bench/programs/gateway.ts', env });
    stops.push(() => gateway.stop());
    const [neighbour, flooder] = [await client('neighbour', env, url), await client('flooder', env, url)];
    await askFor(url, neighbour, Math.min(2, seconds));

    const felt: { rest: Percentiles; flooded: Percentiles; ratio: number }[] = [];
    const counts: Record<string, number> = {};
    let failed = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const atRest = await askFor(url, neighbour, seconds);
      const flood = startFlood({ url, token: flooder, lines, seconds, kinds: ['batches', 'reads', 'junk', 'guesses'] });
      await flood.ready;
      const inFlood = await askFor(url, neighbour, seconds);
      for (const [status, count] of Object.entries(await flood.ended)) counts[status] = (counts[status] ?? 0) + count;
      failed += atRest.failed + inFlood.failed;
      const [rest, flooded] = [percentiles(atRest.ms), percentiles(inFlood.ms)];
      felt.push({ rest, flooded, ratio: rounded(flooded.p95 / rest.p95) });
      progress(`  p95 ${rest.p95} ms at rest, ${flooded.p95} ms in the flood`);
    }
    const ratios = felt.map(({ ratio }) => ratio);
    const ratio = median(ratios);
    const middle = felt.find((one) => one.ratio === ratio) ?? felt[0];
    if (middle === undefined) throw new Error('nothing was measured');
    return { rest: middle.rest, flooded: middle.flooded, ratios, ratio, failed, flooder: counts };
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

/** Returns an access token of an API client that has its own link. */
async function client(id: string, env: Readonly<Record<string, string>>, url: string): Promise<string> {
  const path = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
  const args = ['client', 'add', id, '--as', 'customer', '--instance', 'north', '--tool', `tool-${id}`, '--json'];
  const { stdout } = await run(process.execPath, [command, ...args], { env: { ...path, ...env } });
  const { client: clientId, secret } = JSON.parse(stdout) as { client: string; secret: string };
  const reply = await fetch(`${url}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret }),
  });
  const { access_token: token } = (await reply.json()) as { access_token?: string };
  if (token === undefined) throw new Error(`no token for ${id}: ${reply.status}`);
  return token;
}

type Asked = { readonly ms: number[]; failed: number };

/** Sends a request at a fixed interval, whatever became of the earlier ones: a read, or a dry run of an escalation. */
async function askFor(url: string, token: string, seconds: number): Promise<Asked> {
  const asked: Asked = { ms: [], failed: 0 };
  const end = performance.now() + seconds * 1_000;
  const under: Promise<void>[] = [];
  for (let n = 0; performance.now() < end; n += 1) {
    under.push(askOnce(url, token, n, asked));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  await Promise.all(under);
  return asked;
}

async function askOnce(url: string, token: string, n: number, asked: Asked): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const from = performance.now();
  const reply =
    n % 2 === 0
      ? await fetch(`${url}/v1/link`, { headers })
      : await fetch(`${url}/v1/supplier/tickets`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ action: escalation(`${url}/i/tool-neighbour`) }),
        });
  const text = await reply.text();
  asked.ms.push(performance.now() - from);
  if (!reply.ok || (n % 2 === 1 && !text.includes('"accepted"'))) asked.failed += 1;
}

function escalation(origin: string): object {
  const id = randomUUID();
  const constant = { id, origin, author: { name: 'Ann', role: 'agent' }, at: new Date().toISOString() };
  return {
    seq: 1,
    after: 0,
    constant: { ...constant, audience: 'desks', note: '<p>Please help.</p>', attachments: [] },
    words: { kind: 'Escalate' },
    via: [],
    trace: id.replaceAll('-', ''),
    ticket: { id, number: id.slice(0, 8), url: '', closed: false },
    escalation: { summary: 'Help' },
  };
}

type Flooding = { readonly ready: Promise<void>; readonly ended: Promise<Readonly<Record<string, number>>> };

/** Starts the flood in a separate process, which ends by itself. */
function startFlood(flood: Flood): Flooding {
  const program = fileURLToPath(new URL('./programs/flooder.ts', import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify(flood)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<Readonly<Record<string, number>>>();
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.includes('\n')) ready.resolve();
  });
  child.once('close', (code) => {
    const line = said.split('\n').find((one) => one.includes('"counts"'));
    const failed = new Error(`the flooder ended with ${code}`);
    ready.reject(failed);
    if (line === undefined) ended.reject(failed);
    else ended.resolve((JSON.parse(line) as { counts: Record<string, number> }).counts);
  });
  return { ready: ready.promise, ended: ended.promise };
}
