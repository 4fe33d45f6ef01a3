/**
 * A client that takes as much as it can get: it sends batches, reads, guesses and junk over many connections at a time
 * until its time is over, then prints how many answers of each status it got. It works only against this machine.
 */
import { randomUUID } from 'node:crypto';
import { request as ask, Agent } from 'undici';
import type { Flood } from '#bench/flood.ts';

const { url, token, lines, seconds, kinds } = JSON.parse(process.argv[2] ?? '{}') as Flood;
if (new URL(url).hostname !== '127.0.0.1') throw new Error('only a gateway of this machine is flooded');
const agent = new Agent({ connections: lines, pipelining: 1 });
const counts: Record<string, number> = {};
const until = performance.now() + seconds * 1_000;

const authorization = { authorization: `Bearer ${token}` };
const json = { 'content-type': 'application/json' };
const batch = (): string =>
  JSON.stringify({
    actions: Array.from({ length: 50 }, (_, n) => ({
      seq: n + 2,
      after: n + 1,
      constant: {
        id: randomUUID(),
        origin: `${url}/i/tool`,
        author: { name: 'Flood', role: 'agent' },
        at: new Date().toISOString(),
        audience: 'desks',
        note: `<p>${'flood '.repeat(50)}</p>`,
        attachments: [],
      },
      words: { kind: 'Note' },
      via: [],
      trace: '0'.repeat(32),
      ticket: { id: 'f', number: 'f', url: '', closed: false },
    })),
  });

const make: Record<Flood['kinds'][number], () => [string, object]> = {
  reads: () => ['/v1/catalogue', { headers: authorization }],
  batches: () => [
    `/v1/supplier/tickets/${randomUUID()}/actions?dryRun=true`,
    { method: 'POST', headers: { ...authorization, ...json }, body: batch() },
  ],
  junk: () => ['/v1/link', { headers: { authorization: 'Bearer eyJhbGciOiJFZERTQSJ9.e30.AAAA' } }],
  guesses: () => [
    '/oauth/token',
    {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `grant_type=client_credentials&client_id=${randomUUID()}&client_secret=x`,
    },
  ],
};

async function line(first: number): Promise<void> {
  for (let n = first; performance.now() < until; n += 1) {
    const [path, options] = make[kinds[n % kinds.length] ?? 'reads']();
    const status = await ask(url + path, { ...options, dispatcher: agent }).then(
      async ({ statusCode, body }) => {
        await body.dump();
        return String(statusCode);
      },
      () => 'cut',
    );
    counts[status] = (counts[status] ?? 0) + 1;
  }
}

process.stdout.write('{"ready":true}\n');
await Promise.all(Array.from({ length: lines }, (_, n) => line(n)));
await agent.close();
process.stdout.write(`${JSON.stringify({ counts })}\n`);
