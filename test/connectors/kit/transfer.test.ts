import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, test } from 'node:test';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { createHttpClient, type OwnedHttpClient } from '#connectors/kit/http.ts';
import type { TransferLimits } from '#connectors/kit/transfer.ts';

const closers: (() => unknown)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close();
});

/** Whole exchanges may take an hour here, so only the limits on transfers can end one. */
const timeoutMs = 3_600_000;
const signal = new AbortController().signal;

function client(transfer: Partial<TransferLimits>): OwnedHttpClient {
  const made = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] }, transfer });
  closers.push(() => made.close());
  return made;
}

async function serve(handler: RequestListener): Promise<string> {
  const server: Server = createServer(handler);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(
    () => new Promise((done) => server.close(done)),
    () => server.closeAllConnections(),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function givenUp(work: Promise<unknown>, as: 'retry' | 'in-doubt'): Promise<void> {
  const error = await work.then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HelpdeskError, String(error));
  assert.deepEqual([error.class, error.code], [as, 'timeout']);
}

const fetched = async (http: OwnedHttpClient, url: string): Promise<Buffer> =>
  buffer((await http.stream({ method: 'GET', url, signal, timeoutMs })).stream);

test('a file whose first byte does not come is given up, with or without headers', async () => {
  const nothing = await serve(() => undefined);
  const headers = await serve((_request, reply) => reply.writeHead(200, { 'content-length': '5' }).flushHeaders());
  for (const url of [nothing, headers]) await givenUp(fetched(client({ firstByteMs: 300 }), url), 'retry');
});

test('a file that stops coming half way is given up', async () => {
  const url = await serve(
    (_request, reply) => void reply.writeHead(200, { 'content-length': '100000' }).write('begun'),
  );
  await givenUp(fetched(client({ silenceMs: 300 }), url), 'retry');
});

test('a file that drips is given up although it is never silent', async () => {
  const url = await serve((_request, reply) => {
    const timer = setInterval(() => reply.write('x'), 20);
    reply.on('close', () => clearInterval(timer));
  });
  await givenUp(fetched(client({ silenceMs: 500, leastBytesPerMs: 10 }), url), 'retry');
});

test('a file that comes fast enough may take longer than any silence', async () => {
  const url = await serve((_request, reply) => {
    let left = 30;
    const timer = setInterval(() => {
      left -= 1;
      reply.write('x'.repeat(1_000));
      if (left === 0) reply.end();
    }, 50);
    reply.on('close', () => clearInterval(timer));
  });
  const http = client({ firstByteMs: 1_000, silenceMs: 1_000, leastBytesPerMs: 1 });
  assert.equal((await fetched(http, url)).length, 30_000);
});

test('a receiver that takes its time is not held against the sender', async () => {
  const size = 8 * 1024 * 1024;
  const url = await serve((_request, reply) => reply.end(Buffer.alloc(size)));
  const { stream } = await client({ silenceMs: 300, leastBytesPerMs: 1_000 }).stream({
    method: 'GET',
    url,
    signal,
    timeoutMs,
  });
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    // Longer than any silence, once.
    if (bytes === 0) await sleep(1_500);
    bytes += chunk.byteLength;
  }
  assert.equal(bytes, size);
});

test('a transfer of a file that is not read, or not answered, is abandoned with an unknown outcome', async () => {
  const untaken = await serve((request) => void request.pause());
  const unanswered = await serve((request) => void request.resume());
  for (const url of [untaken, unanswered]) {
    const body = Readable.from(
      (function* () {
        for (let n = 0; n < 400; n += 1) yield Buffer.alloc(64 * 1024);
      })(),
    );
    const request = { method: 'PUT', notAfter: null, url, body, signal, timeoutMs } as const;
    await givenUp(client({ untakenMs: 400 }).request(request), 'in-doubt');
    assert.ok(body.destroyed);
  }
});
