// Bad input of every kind: one problem each, nothing stored, and the next request is served.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { gzipSync } from 'node:zlib';
import { rows } from '#db/base/client.ts';
import { wireOf } from '#test/db/exchange/receive-rig.ts';
import { startApiRig, type ApiRig, type Call, type Reply } from './api-rig.ts';
import { cpuMs } from '#test/support/cpu.ts';

describe('bad input to the API', () => {
  let rig: ApiRig;
  let mirror: string;
  before(async () => {
    rig = await startApiRig('input', { serve: { headersTimeoutMs: 1_000, requestTimeoutMs: 2_000 } });
    mirror = await rig.openMirror('1');
  });
  after(() => rig.close());

  const path = (): string => `/v1/supplier/tickets/${mirror}/actions`;
  const send = (call: Call): Promise<Reply> => rig.call('POST', path(), call);
  const json = { 'content-type': 'application/json' };
  const refused = (reply: Reply, status: number, code: string): void => {
    assert.equal(reply.status, status, `${code}: ${reply.text.slice(0, 300)}`);
    assert.equal(reply.body['type'], `urn:ferry:problem:${code}`);
    assert.equal(reply.body['status'], status);
    assert.equal(reply.headers.get('content-type'), 'application/problem+json');
    assert.doesNotMatch(reply.text, /select |insert |node_modules|at .*\.ts/);
  };
  const stored = async (): Promise<number> =>
    (await rows<{ n: number }>(rig.connection.db, sql`select count(*)::int as n from actions`))[0]?.n ?? -1;

  it('is not JSON, not UTF-8, or not declared as such', async () => {
    for (const body of ['', '{', '{"actions":[}', '{"actions":NaN}', '[1,]', '{} {}', '\u0000'])
      refused(await send({ body, headers: json }), 400, 'malformed-json');
    refused(await send({ body: new Uint8Array([0x22, 0xff, 0x22]), headers: json }), 400, 'invalid-utf8');
    for (const type of [
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/json; charset=utf-16',
      'application/xml',
    ])
      refused(await send({ body: '{}', headers: { 'content-type': type } }), 415, 'not-json');
    const action = await rig.signed({ seq: 2 });
    const reply = await send({
      body: JSON.stringify({ actions: [action] }),
      headers: { 'content-type': 'application/json; charset=UTF-8' },
    });
    assert.equal(reply.status, 200, reply.text);
  });

  it('is compressed: refused, never inflated', async () => {
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(20 * 1024 * 1024)));
    refused(await send({ body: bomb, headers: { ...json, 'content-encoding': 'gzip' } }), 415, 'encoded-body');
  });

  it('is too deep, in no time', async () => {
    for (const depth of [100, 10_000, 400_000]) {
      const from = cpuMs();
      refused(await send({ body: '['.repeat(depth), headers: json }), 400, 'json-too-deep');
      assert.ok(cpuMs() - from < 500);
    }
  });

  it('is too large: declared or not, it is not read to its end', async () => {
    const large = await send({ body: `"${'x'.repeat(2 * 1024 * 1024)}"`, headers: json }).catch(() => null);
    if (large !== null) refused(large, 413, 'body-too-large');
    const token = await rig.token('acme-north', 'customer');
    const sent = await raw(
      [
        `POST ${path()} HTTP/1.1`,
        'Host: x',
        `Authorization: Bearer ${token}`,
        'Content-Type: application/json',
        'Content-Length: 2097152',
        '',
        '',
      ].join('\r\n'),
    );
    assert.match(sent, /^HTTP\/1\.1 413 /);
    const endless = await raw(
      [
        `POST ${path()} HTTP/1.1`,
        'Host: x',
        `Authorization: Bearer ${token}`,
        'Content-Type: application/json',
        'Transfer-Encoding: chunked',
        '',
        '',
      ].join('\r\n'),
      `10000\r\n${' '.repeat(0x10000)}\r\n`,
    );
    assert.match(endless, /^HTTP\/1\.1 413 /);
  });

  it('has lists that are too long', async () => {
    const many = Array.from({ length: 51 }, () => wireOf({ seq: 2 }));
    refused(await send({ json: { actions: many } }), 422, 'too-many-items');
    refused(await send({ body: `{"actions":[${'1,'.repeat(300_000)}1]}`, headers: json }), 422, 'too-many-items');
  });

  it('has values that are none: each is named by a pointer, and none is repeated', async () => {
    const good = await rig.signed({ seq: 9, after: 1 });
    const { constant, words } = good;
    const bad: readonly [string, string, object][] = [
      ['seq', '/seq', { seq: '2' }],
      ['seq 2^53', '/seq', { seq: 2 ** 53 + 2 }],
      ['seq 0', '/seq', { seq: 0 }],
      ['after', '', { seq: 3, after: 3 }],
      ['id', '/constant/id', { constant: { ...constant, id: 'planted' } }],
      ['origin', '/constant/origin', { constant: { ...constant, origin: 'javascript:planted' } }],
      ['year 1900', '/constant/at', { constant: { ...constant, at: '1900-01-01T00:00:00Z' } }],
      ['year 294277', '/constant/at', { constant: { ...constant, at: '+294277-01-01T00:00:00Z' } }],
      ['no instant', '/constant/at', { constant: { ...constant, at: 'Infinity' } }],
      ['audience', '/constant/audience', { constant: { ...constant, audience: 'everybody' } }],
      ['a long note', '/constant/note', { constant: { ...constant, note: 'x'.repeat(256 * 1024 + 1) } }],
      ['NUL', '/constant/note', { constant: { ...constant, note: 'a\u0000planted' } }],
      ['half a pair', '/words/kind', { words: { ...words, kind: '\ud800' } }],
      ['a long tag', '/words/status', { words: { ...words, status: 'x'.repeat(100_000) } }],
      ['a field', '/words/fields/a', { words: { ...words, fields: { a: { b: 1 } } } }],
      [
        '10k fields',
        '/words/fields',
        { words: { ...words, fields: Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`f${n}`, 1])) } },
      ],
      ['trace', '/trace', { trace: 'planted' }],
      [
        'a digest',
        '/constant/attachments/0/sha256',
        {
          constant: {
            ...constant,
            attachments: [{ id: 'a', name: 'n', type: null, sizeBytes: 1, inline: false, sha256: '../etc/passwd' }],
          },
        },
      ],
      ['via', '/via/0', { via: ['acme'] }],
      ['signature', '/signature', { signature: 'a.b.c' }],
    ];
    for (const [what, pointer, change] of bad) {
      const reply = await send({ json: { actions: [{ ...good, ...change }] } });
      refused(reply, 422, 'invalid-body');
      const errors = reply.body['errors'] as { pointer: string }[];
      assert.ok(
        errors.some((error) => error.pointer === (pointer === '' ? '/actions' : `/actions/0${pointer}`)),
        `${what}: ${JSON.stringify(errors)}`,
      );
      assert.doesNotMatch(reply.text, /planted|passwd/);
    }
    const overflow = JSON.stringify({ actions: [good] }).replace('"fields":{}', '"fields":{"n":1e400}');
    refused(await send({ body: overflow, headers: json }), 422, 'invalid-body');
  });

  it('brings keys that would change what objects are: they change nothing', async () => {
    const good = await rig.signed({ seq: 20, after: 2 });
    const body = JSON.stringify({ actions: [good] }).replace(
      '"fields":{}',
      '"fields":{"__proto__":{"polluted":true},"constructor":"x","ok":"y"},"__proto__":{"polluted":true}',
    );
    const reply = await send({ body, headers: json });
    assert.ok(reply.status === 422 || reply.status === 200, reply.text);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    const [row] = await rows<{ fields: unknown }>(
      rig.connection.db,
      sql`select words->'fields' as fields from actions where id = ${good.constant.id}`,
    );
    if (reply.status === 200) assert.deepEqual(row?.fields, { constructor: 'x', ok: 'y' });
  });

  it('has unknown properties: they are ignored, and not stored', async () => {
    const good = await rig.signed({ seq: 30, after: 2 });
    const reply = await send({
      json: { actions: [{ ...good, planted: 1, words: { ...good.words, planted: 2 } }], planted: 3 },
    });
    assert.equal(reply.status, 200);
    const found = await rows<{ all: string }>(
      rig.connection.db,
      sql`select to_jsonb(a)::text as all from actions a where id = ${good.constant.id}`,
    );
    assert.doesNotMatch(found[0]?.all ?? 'planted', /planted/);
  });

  it('is strange, but text: bidi, zero width, a hundred thousand marks', async () => {
    const note = `\u202egnp.exe\u2069\u200b${'e' + '\u0301'.repeat(100_000)}`;
    const reply = await send({ json: { actions: [await rig.signed({ seq: 40, after: 30, note })] } });
    assert.equal(reply.status, 200, reply.text);
  });

  it('is in the future: accepted unchanged', async () => {
    const at = new Date(Date.now() + 2 * 3_600_000).toISOString();
    const reply = await send({ json: { actions: [await rig.signed({ seq: 50, after: 40, at })] } });
    assert.match(reply.text, /"accepted"/);
  });

  it('is another method: 405 names what the path accepts', async () => {
    for (const method of ['PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const reply = await rig.call(method, path());
      refused(reply, 405, 'method-not-allowed');
      assert.equal(reply.headers.get('allow'), 'GET, HEAD, POST');
    }
    const trace = await raw(`TRACE ${path()} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    assert.match(trace, /^HTTP\/1\.1 4\d\d /);
    refused(await rig.call('GET', '/v1/nothing'), 404, 'not-found');
  });

  it('is HTTP that nobody should speak', async () => {
    for (const head of [
      'Content-Length: 1\r\nContent-Length: 2',
      'Content-Length: -1',
      'Content-Length: 1e3',
      'Content-Length: 3\r\nTransfer-Encoding: chunked',
    ])
      assert.match(await raw(`POST ${path()} HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\nabc`), /^HTTP\/1\.1 400 /, head);
    assert.match(await raw(`POST ${path()} HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 400 /);
    assert.match(await raw(`GET /v1/\u0000 HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 400 /);
    assert.match(await raw(`GET /v1/link HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
  });

  it('comes slowly: it is given up', async () => {
    const token = await rig.token('acme-north', 'customer');
    const slow = await raw(
      [
        `POST ${path()} HTTP/1.1`,
        'Host: x',
        `Authorization: Bearer ${token}`,
        'Content-Type: application/json',
        'Content-Length: 1000',
        '',
        '{',
      ].join('\r\n'),
    );
    assert.match(slow, /^HTTP\/1\.1 408 /);
  });

  it('leaves nothing stored and the gateway running', async () => {
    const before = await stored();
    refused(await send({ json: { actions: [] } }), 422, 'invalid-body');
    assert.equal(await stored(), before);
    assert.equal((await rig.call('GET', '/v1/instance')).status, 200);
    assert.doesNotMatch(rig.log(), /planted|"status":5/);
  });

  /** Sends bytes, then `again` until something comes back; returns all that came. */
  function raw(text: string, again?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(rig.url).port), '127.0.0.1');
      let got = '';
      const timer = setTimeout(() => socket.destroy(new Error('no answer')), 30_000);
      let left = 17;
      const more = (): void => {
        // Just over the limit, and no end: bytes that nobody reads would make a reset that overtakes the answer.
        if (again === undefined || left === 0 || got !== '' || socket.destroyed) return;
        left -= 1;
        if (socket.write(again)) setImmediate(more);
        else socket.once('drain', more);
      };
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        got += chunk;
        if (got.includes('\r\n\r\n')) socket.end();
      });
      socket.on('connect', () => {
        socket.write(text);
        more();
      });
      socket.on('error', (error) => {
        if (got === '') reject(error);
      });
      socket.on('close', () => {
        clearTimeout(timer);
        resolve(got);
      });
    });
  }
});
