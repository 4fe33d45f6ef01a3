import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { HelpdeskErrorClass } from '#connectors/contract/errors.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import type { HttpOptions } from '#connectors/kit/http.ts';
import { parseJson } from '#connectors/kit/json.ts';
import { until } from '#test/support/wait.ts';

const closers: (() => unknown)[] = [];
after(async () => {
  for (const close of closers.reverse()) await close();
});

function client(options: Partial<HttpOptions> = {}) {
  const made = createHttpClient({
    allow: { http: true, privateAddresses: ['127.0.0.0/8', '::1/128'] },
    ...options,
  });
  closers.push(() => made.close());
  return made;
}

async function listen(server: Server | TcpServer): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => new Promise((done) => server.close(done)));
  if ('closeAllConnections' in server) closers.push(() => server.closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function serve(handler: RequestListener): Promise<string> {
  return listen(createServer(handler));
}

/** A server that speaks raw bytes; its sockets are ended with the test. */
async function serveRaw(handler: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    handler(socket);
  });
  const url = await listen(server);
  closers.push(() => sockets.forEach((socket) => socket.destroy()));
  return url;
}

const never = new AbortController().signal;

async function fails(promise: Promise<unknown>, errorClass: HelpdeskErrorClass, code: string): Promise<HelpdeskError> {
  const error = await promise.then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HelpdeskError, String(error));
  assert.deepEqual([error.class, error.code], [errorClass, code], error.message);
  return error;
}

const spellings = [
  'http://127.0.0.1/',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://0/',
  'http://localhost/',
  'http://[::1]/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::127.0.0.1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[fd00::1]/',
  'http://[fe80::1]/',
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://192.168.1.1/',
  'http://100.64.0.1/',
  'http://169.254.169.254/latest/meta-data',
  'http://192.0.0.1/',
  'http://198.18.0.1/',
  'http://224.0.0.1/',
  'http://240.0.0.1/',
  'http://255.255.255.255/',
  'http://１２７.0.0.1/',
];

test('no spelling of a private or reserved address is connected to', async () => {
  const guarded = client({ allow: { http: true, privateAddresses: false } });
  for (const url of spellings) {
    await fails(guarded.request({ method: 'GET', url, signal: never }), 'refused', 'address-not-allowed');
  }
});

test('a forbidden address is refused with the variable that would allow it', async () => {
  const guarded = client({ allow: { http: 'private', privateAddresses: [] } });
  for (const [url, why] of [
    ['https://10.1.2.3/', /private or reserved address.*FERRY_ALLOW_ADDRESSES\.$/],
    ['http://10.1.2.3/', /without TLS\. Use https, or .*FERRY_ALLOW_ADDRESSES/],
    ['http://93.184.216.34/', /without TLS\. Use https, or .*FERRY_ALLOW_ADDRESSES/],
  ] as const)
    await assert.rejects(guarded.request({ method: 'GET', url, signal: never }), { message: why });
});

test('a name is refused when any of its addresses is private, and when it changes to one between calls', async () => {
  const answers = [['93.184.216.34', '127.0.0.1'], ['127.0.0.1'], ['::ffff:10.0.0.1']];
  for (const addresses of answers) {
    const guarded = client({
      allow: { http: true, privateAddresses: false },
      resolve: (_host, _options, done) =>
        done(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        ),
    });
    await fails(
      guarded.request({ method: 'POST', notAfter: null, url: 'http://desk.example/', signal: never }),
      'refused',
      'address-not-allowed',
    );
  }
});

test('only https is spoken unless http is allowed, and no user name, other scheme or nonsense', async () => {
  const strict = client({ allow: { http: false, privateAddresses: true } });
  for (const url of [
    'http://127.0.0.1/',
    'ftp://desk.example/',
    'file:///etc/passwd',
    'https://u:p@desk.example/',
    'nonsense',
    '',
  ]) {
    await fails(strict.request({ method: 'GET', url, signal: never }), 'refused', 'url-not-allowed');
  }
});

test('plain http goes to the private networks that are named, never to a public address', async () => {
  const url = await serve((_request, reply) => reply.end('hello'));
  const named = { http: 'private', privateAddresses: ['127.0.0.0/8'] } as const;
  assert.equal((await client({ allow: named }).request({ method: 'GET', url, signal: never })).text, 'hello');
  const resolve: HttpOptions['resolve'] = (_host, _options, done) =>
    done(null, [{ address: '93.184.216.34', family: 4 }]);
  for (const open of ['http://93.184.216.34/', 'http://desk.example/']) {
    const guarded = client({ allow: named, resolve });
    await fails(guarded.request({ method: 'GET', url: open, signal: never }), 'refused', 'address-not-allowed');
  }
});

test('allowed networks are reached, others stay closed', async () => {
  const url = await serve((_request, reply) => reply.end('hello'));
  assert.equal((await client().request({ method: 'GET', url, signal: never })).text, 'hello');
  const elsewhere = client({ allow: { http: true, privateAddresses: ['10.0.0.0/8'] } });
  await fails(elsewhere.request({ method: 'GET', url, signal: never }), 'refused', 'address-not-allowed');
});

test('a redirect is never followed and the token goes nowhere', async () => {
  let reached = 0;
  const other = await serve((_request, reply) => reply.end(String(++reached)));
  for (const status of [301, 302, 303, 307, 308]) {
    const url = await serve((_request, reply) => reply.writeHead(status, { location: other }).end());
    const headers = { authorization: 'Bearer secret-token' };
    await fails(client().request({ method: 'GET', url, headers, signal: never }), 'retry', 'redirected');
    await fails(
      client().request({ method: 'POST', notAfter: null, url, headers, body: '{}', signal: never }),
      'in-doubt',
      'redirected',
    );
    await fails(client().stream({ method: 'GET', url, headers, signal: never }), 'retry', 'redirected');
  }
  assert.equal(reached, 0);
});

test('an encoded reply is refused unread, so a compression bomb costs nothing', async () => {
  const asked: (string | undefined)[] = [];
  const zeros = Buffer.alloc(20 * 1024 * 1024);
  for (const [encoding, body] of [
    ['gzip', gzipSync(zeros)],
    ['br', brotliCompressSync(zeros)],
    ['GZIP, br', gzipSync('x')],
  ] as const) {
    const url = await serve((request, reply) => {
      asked.push(request.headers['accept-encoding']);
      reply.writeHead(200, { 'content-encoding': encoding }).end(body);
    });
    await fails(
      client().request({
        method: 'GET',
        url,
        headers: { 'accept-encoding': 'gzip' },
        signal: never,
      }),
      'retry',
      'encoded-reply',
    );
  }
  assert.deepEqual(asked, ['identity', 'identity', 'identity']);
});

test('a reply that drips indefinitely ends at the total limit', async () => {
  const url = await serveRaw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n');
    const timer = setInterval(() => socket.write('x'), 20);
    socket.on('close', () => clearInterval(timer));
  });
  const began = performance.now();
  await fails(client().request({ method: 'GET', url, signal: never, timeoutMs: 300 }), 'retry', 'timeout');
  const { stream } = await client().stream({ method: 'GET', url, signal: never, timeoutMs: 300 });
  await fails(readAll(stream), 'retry', 'timeout');
  assert.ok(performance.now() - began < 20_000);
});

test('more bytes than allowed are not read, announced or not', async () => {
  const announced = await serve((_request, reply) => reply.end('x'.repeat(2000)));
  const chunked = await serve((_request, reply) => {
    const more = (): void => {
      while (!reply.destroyed && reply.write('x'.repeat(1000)));
    };
    reply.on('drain', more);
    more();
  });
  for (const url of [announced, chunked]) {
    await fails(client().request({ method: 'GET', url, signal: never, maxBytes: 1500 }), 'refused', 'reply-too-large');
    await fails(
      client().request({ method: 'POST', notAfter: null, url, signal: never, maxBytes: 1500 }),
      'in-doubt',
      'reply-too-large',
    );
    await fails(
      client()
        .stream({ method: 'GET', url, signal: never, maxBytes: 1500 })
        .then(({ stream }) => readAll(stream)),
      'refused',
      'reply-too-large',
    );
  }
  assert.equal(
    (await client().request({ method: 'GET', url: announced, signal: never, maxBytes: 2000 })).text.length,
    2000,
  );
});

test('text that is not UTF-8 is refused, never repaired silently', async () => {
  const url = await serve((_request, reply) => reply.end(Buffer.from([0x61, 0xff, 0x62])));
  await fails(client().request({ method: 'GET', url, signal: never }), 'retry', 'not-utf-8');
});

test('what was surely not sent may be tried again, also a write', async () => {
  const url = await serve(() => undefined);
  const { port } = new URL(url);
  await closers.pop()?.();
  await closers.pop()?.();
  await fails(
    client().request({
      method: 'POST',
      notAfter: null,
      url: `http://127.0.0.1:${port}/`,
      body: 'x',
      signal: never,
    }),
    'retry',
    'connection-refused',
  );
  const unknown = client({
    resolve: (_host, _options, done) => done(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), []),
  });
  await fails(
    unknown.request({ method: 'POST', notAfter: null, url: 'http://desk.example/', signal: never }),
    'retry',
    'name-not-found',
  );
  const passed = AbortSignal.abort();
  await fails(
    client().request({ method: 'POST', notAfter: null, url: 'http://127.0.0.1:1/', signal: passed }),
    'retry',
    'aborted',
  );
});

test('a write that waits for a free connection when its deadline comes was surely not sent', async () => {
  const seen: string[] = [];
  const held: ServerResponse[] = [];
  const url = await serve((request, reply) => {
    seen.push(request.url ?? '');
    held.push(reply);
  });
  const narrow = client({ connectionsPerOrigin: 1 });
  const first = narrow.request({
    method: 'POST',
    notAfter: null,
    url: `${url}/1`,
    signal: never,
    timeoutMs: 60_000,
  });
  while (seen.length === 0) await new Promise((done) => setImmediate(done));
  await fails(
    narrow.request({ method: 'POST', notAfter: null, url: `${url}/2`, signal: never, timeoutMs: 100 }),
    'retry',
    'timeout',
  );
  held[0]?.end('ok');
  assert.equal((await first).text, 'ok');
  assert.deepEqual(seen, ['/1']);
});

test('a write whose connection breaks or whose time runs out after it was sent is in doubt, a read is not', async () => {
  const reset = await serveRaw((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const silent = await serveRaw(() => undefined);
  const cut = await serveRaw((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc')),
  );
  for (const [url, code, timeoutMs] of [
    [reset, 'connection-reset', 30_000],
    [cut, 'connection-reset', 30_000],
    [silent, 'timeout', 2_000],
  ] as const) {
    await fails(
      client().request({ method: 'POST', notAfter: null, url, body: '{}', signal: never, timeoutMs }),
      'in-doubt',
      code,
    );
    await fails(client().request({ method: 'GET', url, signal: never, timeoutMs }), 'retry', code);
  }
  const caller = new AbortController();
  const listening = await serveRaw((socket) => socket.once('data', () => caller.abort()));
  await fails(
    client().request({ method: 'PUT', notAfter: null, url: listening, body: 'x', signal: caller.signal }),
    'in-doubt',
    'aborted',
  );
});

test('bodies go out as text, bytes and streams; a stream that fails does not count as sent whole', async () => {
  const url = await serve(
    (request: IncomingMessage, reply) =>
      void readAll(request).then(
        (body) => reply.end(body.toUpperCase()),
        () => undefined,
      ),
  );
  const http = client();
  for (const body of ['abc', Buffer.from('abc'), Readable.from(['a', 'bc'])]) {
    assert.equal((await http.request({ method: 'POST', notAfter: null, url, body, signal: never })).text, 'ABC');
  }
  const broken = Readable.from(
    (async function* () {
      yield 'a';
      throw new Error('disk');
    })(),
  );
  await fails(
    http.request({ method: 'POST', notAfter: null, url, body: broken, signal: never }),
    'in-doubt',
    'network',
  );
  assert.ok(broken.destroyed);
});

test('an error never repeats query, headers or body', async () => {
  const url = await serveRaw((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nx: secret-reply\r\ncontent-length: 5\r\n\r\nsec')),
  );
  const error = await fails(
    client().request({
      method: 'POST',
      notAfter: null,
      url: `${url}/path?key=secret-query`,
      headers: { authorization: 'secret-header' },
      body: 'secret-body',
      signal: never,
    }),
    'in-doubt',
    'connection-reset',
  );
  assert.match(error.message, /POST http:\/\/127\.0\.0\.1:\d+\/path /);
  assert.doesNotMatch(`${error.message} ${error.stack} ${String(error.cause)}`, /secret/);
});

test('downloads are streams with their headers, and letting go of one closes its connection', async () => {
  let closed = false;
  const url = await serve((request, reply) => {
    request.socket.on('close', () => (closed = true));
    reply.writeHead(200, { 'content-type': 'image/png' });
    if (request.url === '/small') reply.end('picture');
    else
      Readable.from(
        (function* () {
          for (;;) yield Buffer.alloc(65_536);
        })(),
      )
        .pipe(reply)
        .on('error', () => undefined);
  });
  const small = await client().stream({ method: 'GET', url: `${url}/small`, signal: never });
  assert.equal(small.headers['content-type'], 'image/png');
  assert.equal(await readAll(small.stream), 'picture');
  const endless = await client().stream({ method: 'GET', url, signal: never });
  endless.stream.destroy();
  await until(() => closed, { what: 'the connection to be closed' });
});

test('a success status with anything but valid JSON does not count as success', () => {
  const reply = (type: string | undefined, text: string) => ({
    status: 200,
    headers: { 'content-type': type },
    text,
  });
  const read = { write: false, what: 'reading' };
  for (const [type, text] of [
    ['text/html', '<html>Sign in</html>'],
    [undefined, '{}'],
    ['application/json', '<html>'],
    ['application/json', ''],
    ['application/json', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ] as const) {
    assert.throws(() => parseJson(reply(type, text), read), { class: 'retry', code: 'not-json' });
    assert.throws(() => parseJson(reply(type, text), { ...read, write: true }), {
      class: 'in-doubt',
      code: 'not-json',
    });
  }
  assert.deepEqual(parseJson(reply('application/json; charset=utf-8', '{"a":"[[\\"[\\\\"}'), read), { a: '[["[\\' });
  assert.deepEqual(parseJson(reply('application/problem+json', '["x\\u0000y\\ud800z\\\\u0000"]'), read), [
    'xy\ufffdz\\u0000',
  ]);
});
