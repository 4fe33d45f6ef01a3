// Whatever a foreign page can make a browser send is refused by every listener of this machine, and nothing else is.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { foreignIn, isLoopback } from '#listener/guard.ts';
import { createListener } from '#listener/listener.ts';
import { openPage } from '#standalone/page/page.ts';
import { anyFreePort } from '#standalone/machine/ports.ts';
import { serveMetrics } from '#telemetry/serve-metrics.ts';
import { acmeSeed } from '#twins/halo/seeds/acme.ts';
import { createHaloTwin } from '#twins/halo/server.ts';
import { startDesk } from '#twins/light/server.ts';
import { startFaultDesk } from '#faults/desk/serve.ts';
import { startGateway } from '#test/gateway/support.ts';
import { checkout } from '#test/support/process.ts';

type Sent = {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
};
type Kind = {
  /** The file that makes it. */
  readonly file: string;
  readonly start: () => Promise<{ readonly url: string; readonly close: () => Promise<void> }>;
  /** Is answered with something else than a refusal. */
  readonly read: string;
  /** Would change something. */
  readonly change: string;
};

const kinds: readonly Kind[] = [
  {
    file: 'gateway/serve.ts',
    start: () => startGateway(),
    read: '/healthz',
    change: '/v1/pairing',
  },
  {
    file: 'telemetry/serve-metrics.ts',
    start: () =>
      serveMetrics({ text: () => Promise.resolve('x 1\n'), contentType: 'text/plain' }, { host: '127.0.0.1', port: 0 }),
    read: '/metrics',
    change: '/metrics',
  },
  {
    file: 'twins/halo/server.ts',
    start: () => createHaloTwin({ seed: acmeSeed }),
    read: '/twin/tickets',
    change: '/twin/reset',
  },
  {
    file: 'twins/light/server.ts',
    start: () => startDesk({ name: 'light' }),
    read: '/feed',
    change: '/control',
  },
  {
    file: 'standalone/page/page.ts',
    start: async () => openPage({ port: await anyFreePort(), frames: [] }),
    read: '/',
    change: '/reset',
  },
  {
    file: 'faults/desk/serve.ts',
    start: () => startFaultDesk({ id: 'attacked', seed: 1 }),
    read: '/feed',
    change: '/tickets',
  },
  // The benchmark's floor needs a seeded database to start; it is made by the same function, without an exception.
  {
    file: 'bench/programs/floor.ts',
    start: () => plain(),
    read: '/',
    change: '/',
  },
];

async function plain(): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server = createListener((asked, response) => {
    Readable.from(asked).resume();
    response.writeHead(202).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function ask(
  url: string,
  { method, path: asked, headers = {}, body = '' }: Sent,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const sent = request({ hostname, port, method, path: asked, headers: { ...length, ...headers } }, (reply) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (part: string) => (text += part));
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

for (const { file, start, read, change } of kinds) {
  describe(`the listener of ${file}`, () => {
    let url = '';
    let close: () => Promise<void>;
    before(async () => {
      const started = await start();
      url = started.url.replace(/\/metrics$/, '');
      close = started.close;
    });
    after(() => close());
    const own = (): string => new URL(url).host;

    it('answers by the names of this machine, and by no other that points here', async () => {
      const { port } = new URL(url);
      for (const host of [own(), `localhost:${port}`, `[::1]:${port}`, `127.0.0.2:${port}`])
        assert.notEqual((await ask(url, { method: 'GET', path: read, headers: { host } })).status, 403, host);
      for (const host of [
        'evil.example',
        `evil.example:${port}`,
        '127.0.0.1.evil.example',
        'localhost.evil.example',
        '10.0.0.1',
        '127.0.0.256',
        '0.0.0.0',
        '[::2]',
      ]) {
        assert.equal((await ask(url, { method: 'GET', path: read, headers: { host } })).status, 403, host);
        assert.equal((await ask(url, { method: 'POST', path: change, headers: { host } })).status, 403, host);
      }
    });

    it('accepts nothing from other sites’ pages, whatever they call themselves', async () => {
      const { port } = new URL(url);
      const json = { 'content-type': 'application/json' };
      for (const origin of [
        'https://evil.example',
        'null',
        'http://127.0.0.1:1',
        `https://127.0.0.1:${port}`,
        `http://127.0.0.1.evil.example:${port}`,
        '',
      ]) {
        for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET']) {
          const { status } = await ask(url, { method, path: change, headers: { origin, ...json } });
          assert.equal(status, 403, `${method} from ${origin}`);
        }
      }
      for (const site of ['cross-site', 'same-site', 'made-up']) {
        const headers = { 'sec-fetch-site': site, ...json };
        assert.equal((await ask(url, { method: 'POST', path: change, headers, body: '{}' })).status, 403, site);
      }
    });

    it('takes no body for which a browser does not ask first', async () => {
      for (const type of [
        'text/plain',
        'text/plain; application/json',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/jsonp',
        undefined,
      ])
        for (const body of ['{}', '']) {
          if (type === undefined && body === '') continue;
          const headers = type === undefined ? {} : { 'content-type': type };
          const { status } = await ask(url, { method: 'POST', path: change, headers, body });
          assert.ok(status === 403 || status === 415, `${type} with ${body.length} bytes was answered ${status}`);
        }
    });
  });
}

describe('the gateway', () => {
  it('behind one of our proxies leaves Host to it, and accepts a webhook under any name, since its address is a secret', async () => {
    const guard = { hosts: ['ferry.example'], isProxy: (address: string) => address.endsWith('127.0.0.1') };
    for (const [serve, host, status] of [
      [{}, 'ferry.example', 403],
      [{ guard: { ...guard, isProxy: () => false } }, 'ferry.example:443', 200],
      [{ guard: { ...guard, isProxy: () => false } }, 'evil.example', 403],
      [{ guard }, 'internal.example', 200],
      [{}, 'gateway:8400', 200],
    ] as const) {
      const gateway = await startGateway({ serve });
      try {
        const headers = { host };
        assert.equal((await ask(gateway.url, { method: 'GET', path: '/healthz', headers })).status, status, host);
        const hook = { method: 'POST', path: new URL(gateway.hook).pathname, headers, body: '{}' };
        assert.equal((await ask(gateway.url, hook)).status, 202, host);
      } finally {
        await gateway.close();
      }
    }
  });
});

describe('the guard', () => {
  const asked = (headers: Record<string, string>, method = 'POST', at = '/x') => ({
    method,
    path: at,
    headers: { host: '127.0.0.1:80', ...headers },
  });

  it('lets through what a program on this machine sends, and what one of its own pages does', () => {
    const passes = (headers: Record<string, string>, guard = {}, at = '/x') =>
      assert.equal(foreignIn(asked(headers, 'POST', at), guard), null, JSON.stringify(headers));
    passes({});
    passes({ 'content-length': '0' });
    passes({ 'content-type': 'application/json; charset=utf-8', 'content-length': '2' });
    passes({ 'content-type': 'application/scim+json', 'content-length': '2' });
    passes({ authorization: 'Bearer x', 'content-type': 'application/octet-stream', 'content-length': '2' });
    passes({ origin: 'http://127.0.0.1:80', 'sec-fetch-site': 'same-origin' });
    passes(
      { host: 'ferry.example', origin: 'https://ferry.example' },
      { hosts: ['ferry.example'], origins: ['https://ferry.example'] },
    );
    passes({ 'content-type': 'text/plain', 'content-length': '2' }, { takes: (at: string) => at === '/form' }, '/form');
  });

  it('where only its own pages may change anything, does not count a request without an origin as one of them', () => {
    const guard = { ownPageOnly: true, takes: () => true };
    assert.equal(foreignIn(asked({}), guard)?.code, 'foreign-origin');
    assert.equal(foreignIn(asked({ 'sec-fetch-site': 'none' }), guard)?.code, 'foreign-origin');
    assert.equal(foreignIn(asked({ 'sec-fetch-site': 'same-origin' }), guard), null);
    assert.equal(foreignIn(asked({ origin: 'http://127.0.0.1:80' }), guard), null);
    assert.equal(foreignIn(asked({}, 'GET'), guard), null);
  });

  it('knows an address of this machine from one that looks like it', () => {
    for (const one of ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1'])
      assert.equal(isLoopback(one), true, one);
    for (const one of ['128.0.0.1', '0.0.0.0', '::', '127.0.0', '127.0.0.1.1', '1127.0.0.1', '127.0.0.1e'])
      assert.equal(isLoopback(one), false, one);
  });

  it('checks no names where other machines may call, since a listener bound there has no fixed name', async () => {
    const server = createListener((_, response) => response.end('here'));
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    assert.equal((await ask(url, { method: 'GET', path: '/', headers: { host: 'ferry.example' } })).text, 'here');
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('every HTTP server', () => {
  const product = [
    'activities',
    'bench',
    'bin',
    'blobs',
    'cli',
    'config',
    'connectors',
    'core',
    'db',
    'faults',
    'gateway',
    'listener',
    'operate',
    'protocols',
    'standalone',
    'telemetry',
    'text-worker',
    'twins',
    'worker',
    'workflows',
  ];
  const files = product.flatMap((folder) =>
    readdirSync(path.join(checkout, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(?:ts|js|mjs)$/.test(file))
      .map((file) => path.join(folder, file).replaceAll(path.sep, '/')),
  );
  const sourceOf = (file: string): string => readFileSync(path.join(checkout, file), 'utf8');

  it('of the product, the stand-ins and the benchmark is made by one function', () => {
    const makes =
      /\bcreate(?:Secure|Adaptor|Http2)?Server\b|\bnew\s+(?:http2?|https|net|tls)?\.?Server\b|\bserve\b[^;]*from '@hono\/node-server'|\bWebSocketServer\b|\bcreateSocket\b/;
    // A port is tried out by taking it for a moment; nobody is answered there.
    // The line of the fault bench carries bytes and answers nobody.
    const allowed = ['faults/line.ts', 'listener/listener.ts', 'standalone/machine/ports.ts'];
    assert.deepEqual(
      files.filter((file) => makes.test(sourceOf(file))),
      allowed,
    );
  });

  it('is attacked above, each kind', () => {
    const made = files.filter((file) => /\bcreateListener\(/.test(sourceOf(file)) && file !== 'listener/listener.ts');
    assert.deepEqual(made.toSorted(), kinds.map(({ file }) => file).toSorted());
  });
});

describe('a trouble that a test orders at the Halo stand-in', () => {
  it('is a text and no pattern: one that would never end strikes nothing and keeps nobody', async () => {
    const twin = await createHaloTwin({ seed: acmeSeed });
    try {
      const order = (match: object) =>
        fetch(`${twin.url}/twin/faults`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ kind: '500', match }),
        });
      assert.equal((await order({ path: '(a+)+$', times: 0 })).status, 201);
      assert.equal((await order({ path: '[', times: 0 })).status, 201);
      const from = process.cpuUsage();
      assert.equal((await fetch(`${twin.url}/api/authinfo?${'a'.repeat(4_000)}b`)).status, 200);
      assert.ok(process.cpuUsage(from).user < 1_000_000);
      assert.equal((await order({ path: 'x'.repeat(501) })).status, 400);
      assert.equal((await order({ path: Array(21).fill('x') })).status, 400);
      assert.equal((await order({ path: ['/none', '^/api/authinfo$'] })).status, 201);
      assert.equal((await fetch(`${twin.url}/api/authinfo`)).status, 500);
      assert.equal((await fetch(`${twin.url}/api/authinfo`)).status, 200);
    } finally {
      await twin.close();
    }
  });
});
