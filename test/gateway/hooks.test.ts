import assert from 'node:assert/strict';
import { connect as connectSocket } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { sql } from 'drizzle-orm';
import { hintChannel } from '#db/log/hint.ts';
import { until } from '#test/support/wait.ts';
import { hookSecret, post, startGateway } from './support.ts';
import type { TestGateway } from './support.ts';

let gateway: TestGateway;
before(async () => {
  gateway = await startGateway({ serve: { requestTimeoutMs: 600, headersTimeoutMs: 500 } });
});
after(() => gateway.close());

async function clear(): Promise<void> {
  await gateway.connection.db.execute(sql`delete from hints`);
}

test('the same webhook ten times at once leaves one hint, and every caller is answered after its commit', async () => {
  await clear();
  const replies = await Promise.all(Array.from({ length: 10 }, () => post(gateway.hook, { tickets: ['1001'] })));
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([202]));
  assert.deepEqual(await gateway.hints(), [{ instance: 'acme', ticket: '1001' }]);
});

test('a webhook of several tickets hints each; one that names none hints the feed', async () => {
  await clear();
  await post(gateway.hook, { tickets: ['7', '8', '7'] });
  await post(gateway.hook, { hello: 'world' });
  assert.deepEqual(
    (await gateway.hints()).map(({ ticket }) => ticket),
    ['', '7', '8'],
  );
});

test('ids that no ticket has, or too many of them, hint the feed instead', async () => {
  await clear();
  await post(gateway.hook, { tickets: ['', 'x'.repeat(300), 'nul\u0000'] });
  await post(gateway.hook, { tickets: Array.from({ length: 500 }, (_, id) => id) });
  assert.deepEqual(await gateway.hints(), [{ instance: 'acme', ticket: '' }]);
});

test('watchers get a notification after the commit', async () => {
  await clear();
  let told = 0;
  const listening = await gateway.connection.sql.listen(hintChannel, () => {
    told += 1;
  });
  await post(gateway.hook, { tickets: ['55'] });
  await until(() => told > 0, { what: 'a notification' });
  await listening.unlisten();
});

test('an unknown instance and a wrong secret get the same answer', async () => {
  const wrong = await post(`${gateway.url}/hooks/acme/${hookSecret}x`, {});
  const unknown = await post(`${gateway.url}/hooks/nobody/${hookSecret}`, {});
  const nowhere = await post(`${gateway.url}/elsewhere`, {});
  for (const reply of [wrong, unknown, nowhere]) {
    assert.equal(reply.status, 404);
    assert.equal(reply.headers.get('content-type'), 'application/problem+json');
  }
  const bodies = await Promise.all([wrong, unknown, nowhere].map((reply) => reply.text()));
  assert.equal(new Set(bodies).size, 1);
});

test('an instance made after the gateway started is known within a moment', async () => {
  await gateway.connection.db.execute(sql`insert into instances (id, type, name, url, credentials, hook_secret_hash)
    select 'late', type, name, url, credentials, hook_secret_hash from instances where id = 'acme'`);
  await until(async () => (await post(`${gateway.url}/hooks/late/${hookSecret}`, {})).status === 202, {
    what: 'the new instance to be known',
    timeoutMs: 10_000,
  });
});

const unreadable: readonly (readonly [string, string | Uint8Array, Readonly<Record<string, string>>?])[] = [
  ['nothing', ''],
  ['half a document', '{"tickets": ["1001"'],
  ['two documents', '{}{}'],
  ['NaN', 'NaN'],
  ['a raw line break within a text', '{"tickets": ["1001"], "text": "one\ntwo"}'],
  ['bytes that are not UTF-8', new Uint8Array([0x22, 0xff, 0xfe, 0x22])],
  ['a byte order mark', new Uint8Array([0xef, 0xbb, 0xbf, 0x7b])],
  ['a form', 'payload=%7B%22tickets%22%3A%5B1001%5D%7D', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['XML', '<?xml version="1.0"?><ticket id="1001"/>', { 'content-type': 'text/xml' }],
  ['a hundred thousand brackets', '['.repeat(100_000)],
  ['compressed bytes', gzipSync('{"tickets": ["1001"]}'), { 'content-encoding': 'gzip' }],
  ['more than 1 MiB', JSON.stringify({ text: 'x'.repeat(1024 * 1024) })],
];
for (const [name, body, headers] of unreadable) {
  test(`who knows the secret and sends ${name} is answered 202, and the feed is looked at`, async () => {
    await clear();
    const reply = await post(gateway.hook, body, headers ?? {});
    assert.deepEqual([reply.status, await reply.json()], [202, { hints: 1 }]);
    assert.deepEqual(await gateway.hints(), [{ instance: 'acme', ticket: '' }]);
    const stranger = await post(`${gateway.url}/hooks/acme/${hookSecret}x`, body, headers ?? {});
    assert.equal(stranger.status, 404);
  });
}

test('brackets within a text are not depth', async () => {
  const reply = await post(gateway.hook, { text: `${'['.repeat(500)}"${'{'.repeat(500)}\\` });
  assert.equal(reply.status, 202);
});

test('a body over 1 MiB without a length is not kept, and hints the feed', async () => {
  await clear();
  const big = JSON.stringify({ text: 'x'.repeat(1024 * 1024) });
  const chunks = new ReadableStream({
    start(controller) {
      for (let at = 0; at < big.length; at += 65_536)
        controller.enqueue(new TextEncoder().encode(big.slice(at, at + 65_536)));
      controller.close();
    },
  });
  const streamed = await fetch(gateway.hook, { method: 'POST', body: chunks, duplex: 'half' } as RequestInit);
  assert.equal(streamed.status, 202);
  assert.deepEqual(await gateway.hints(), [{ instance: 'acme', ticket: '' }]);
  assert.equal((await post(gateway.hook, {})).status, 202);
});

test('other methods are answered with the one that is allowed', async () => {
  const reply = await fetch(gateway.hook);
  assert.equal(reply.status, 405);
  assert.equal(reply.headers.get('allow'), 'POST');
});

test('a body that comes too slowly is cut off, and others are served meanwhile', async () => {
  const { port } = new URL(gateway.url);
  const socket = connectSocket(Number(port), '127.0.0.1');
  let reply = '';
  let closed = false;
  socket.on('data', (data) => (reply += data.toString()));
  socket.on('close', () => (closed = true));
  socket.write(
    `POST /hooks/acme/${hookSecret} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
  );
  assert.equal((await post(gateway.hook, {})).status, 202);
  await until(() => closed, { what: 'the slow connection to be closed' });
  assert.match(reply, /^HTTP\/1\.1 408/);
});

test('every answer carries the headers that keep browsers from harm', async () => {
  for (const reply of [await post(gateway.hook, {}), await fetch(`${gateway.url}/healthz`), await fetch(gateway.url)]) {
    assert.equal(reply.headers.get('x-content-type-options'), 'nosniff');
    const policy = reply.headers.get('content-security-policy') ?? '';
    for (const part of ['default-src', 'base-uri', 'form-action', 'frame-ancestors']) {
      assert.match(policy, new RegExp(`${part} 'none'`));
    }
    const [, seconds] = /max-age=(\d+)/.exec(reply.headers.get('strict-transport-security') ?? '') ?? [];
    assert.ok(Number(seconds) >= 365 * 24 * 3600);
    assert.equal(reply.headers.get('referrer-policy'), 'no-referrer');
    assert.equal(reply.headers.get('x-powered-by'), null);
  }
});

test('the log has one line for each request, without secrets, paths or bodies', async () => {
  await post(gateway.hook, { tickets: ['4711'], note: 'planted note text' });
  await post(`${gateway.url}/hooks/${hookSecret}/acme`, {});
  await fetch(`${gateway.url}/hook/acme/${hookSecret}?token=${hookSecret}`);
  const lines = gateway.log().trim().split('\n');
  for (const line of lines) JSON.parse(line);
  assert.match(gateway.log(), /"route":"\/hooks\/:instance\/:secret","instance":"acme","status":202/);
  assert.doesNotMatch(gateway.log(), new RegExp(hookSecret));
  assert.doesNotMatch(gateway.log(), /planted/);
});
