/** Nothing is sent to a server whose certificate is not for it, however it is asked: of requests, files and writes. */
import assert from 'node:assert/strict';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { HelpdeskError } from '#connectors/contract/errors.ts';
import { notAfterIn } from '#connectors/contract/not-after.ts';
import { createHttpClient, type OwnedHttpClient } from '#connectors/kit/http.ts';
import { makeAuthority, type Authority } from '#test/support/certificates.ts';

let ours: Authority;
let strange: Authority;
let http: OwnedHttpClient;
const closing: (() => Promise<unknown>)[] = [];

before(async () => {
  [ours, strange] = [await makeAuthority(), await makeAuthority('Nobody knows it')];
  setDefaultCACertificates([...getCACertificates('default'), ours.ca]);
  http = createHttpClient({
    allow: { http: false, privateAddresses: ['127.0.0.0/8'] },
    // All names are here.
    resolve: (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
  });
});
after(async () => {
  await http.close();
  for (const close of closing) await close();
  await Promise.all([ours.remove(), strange.remove()]);
});

type Served = { readonly port: number; requests(): number };

async function served(by: Authority, names: string | undefined, days = 2, more: ServerOptions = {}): Promise<Served> {
  const pair = await by.sign('helpdesk.example', names, days);
  let requests = 0;
  const server = createServer({ ...pair, ...more }, (_request, response) => {
    requests += 1;
    response.end('{}');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closing.push(
    () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  );
  return { port: (server.address() as AddressInfo).port, requests: () => requests };
}

const signal = new AbortController().signal;
/** However a server can be asked. */
const asking: Readonly<Record<string, (url: string) => Promise<unknown>>> = {
  'a read': (url) => http.request({ method: 'GET', url, signal }),
  'a write': (url) => http.request({ method: 'POST', url, body: '{}', signal, notAfter: notAfterIn(30_000) }),
  'a file': async (url) => {
    const { stream } = await http.stream({ method: 'GET', url, signal });
    for await (const _chunk of stream) void _chunk;
  },
  'a look at its certificate': (url) => http.certificateEnd?.(url, signal) ?? Promise.reject(new Error('no look')),
};

const name = 'helpdesk.example';
const cases: readonly {
  readonly what: string;
  readonly by?: () => Authority;
  readonly names?: string;
  readonly days?: number;
  readonly host?: string;
  readonly more?: ServerOptions;
}[] = [
  { what: 'is signed by an authority that nobody knows', by: () => strange, names: `DNS:${name}` },
  { what: 'has ended', names: `DNS:${name}`, days: -1 },
  { what: 'is for another name', names: 'DNS:elsewhere.example' },
  { what: 'is for names below its own only', names: `DNS:*.${name}` },
  { what: 'is for its name where its address is asked for', names: `DNS:${name}`, host: '127.0.0.1' },
  { what: 'is for another address', names: 'IP:127.0.0.2', host: '127.0.0.1' },
  {
    what: 'would do, by a protocol that is too old',
    names: `DNS:${name}`,
    more: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
  },
];

for (const { what, by = () => ours, names, days, host = name, more } of cases)
  test(`a server whose certificate ${what} is sent nothing`, async () => {
    const server = await served(by(), names, days, more);
    for (const [how, ask] of Object.entries(asking)) {
      const failed = await ask(`https://${host}:${server.port}/`).then(
        () => null,
        (error: HelpdeskError) => error,
      );
      assert.deepEqual([failed?.class, failed?.code], ['retry', 'tls'], `${how}: ${failed?.message}`);
    }
    assert.equal(server.requests(), 0);
  });

test('a server whose certificate is for its name, or for its address, is asked', async () => {
  for (const [names, host] of [
    [`DNS:${name}`, name],
    ['DNS:*.desk.example', 'help.desk.example'],
    ['IP:127.0.0.1', '127.0.0.1'],
  ] as const) {
    const server = await served(ours, names);
    for (const ask of Object.values(asking)) await ask(`https://${host}:${server.port}/`);
    assert.equal(server.requests(), 3, 'a look at the certificate is no request');
  }
});

test('a line that one name is trusted on is not used for another name at the same address', async () => {
  const server = await served(ours, `DNS:${name}`);
  for (const ask of Object.values(asking)) await ask(`https://${name}:${server.port}/`);
  const before = server.requests();
  for (const [how, ask] of Object.entries(asking))
    await assert.rejects(ask(`https://other.example:${server.port}/`), { code: 'tls' }, how);
  assert.equal(server.requests(), before);
});
