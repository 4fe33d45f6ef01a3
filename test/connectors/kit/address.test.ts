/**
 * What `ferry check` reports about an address: about certificates that really are about to expire, have expired or
 * match no name, and about addresses where nobody answers.
 */
import assert from 'node:assert/strict';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { after, before, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Outcome } from '#connectors/contract/check.ts';
import { addressProbe, verdictOf } from '#connectors/kit/check.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { makeAuthority } from '#test/support/certificates.ts';
import type { Authority } from '#test/support/certificates.ts';

const closing: (() => unknown)[] = [];
const http = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8', '::1/128'] } });
let ours: Authority;
let strange: Authority;

before(async () => {
  [ours, strange] = [await makeAuthority(), await makeAuthority('Nobody knows it')];
  setDefaultCACertificates([...getCACertificates('default'), ours.ca]);
});
after(async () => {
  for (const close of closing) await close();
  await http.close();
  await Promise.all([ours?.remove(), strange?.remove()]);
});

async function listening(server: Server, scheme: string): Promise<string> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closing.push(() => new Promise((done) => server.close(done)));
  return `${scheme}://localhost:${(server.address() as AddressInfo).port}/`;
}

async function served(by: Authority, names: string, days: number): Promise<string> {
  const { cert, key } = await by.sign('helpdesk', names, days);
  return listening(
    createServer({ cert, key }, (_request, response) => response.end('{}')),
    'https',
  );
}

const localhost = 'DNS:localhost';

function probed(url: string): Promise<Outcome> {
  return addressProbe({ url, http }).run(new AbortController().signal).catch(verdictOf);
}

test('a certificate that is good for long enough is found right, with the days that it has left', async () => {
  const { verdict, saw } = await probed(await served(ours, localhost, 40));
  // Created a moment ago, so that the fortieth day has begun.
  assert.deepEqual([verdict, saw], ['ok', 'https, with a certificate that is trusted for 39 days more']);
});

test('a certificate that ends within two weeks is to be renewed, and nothing of it is wrong yet', async () => {
  const { verdict, saw, fix } = await probed(await served(ours, localhost, 5));
  assert.equal(verdict, 'differs');
  assert.match(saw ?? '', /its certificate ends in 4 days; after that nothing is sent there/);
  assert.match(fix ?? '', /Renew the certificate/);
});

test('a certificate that has ended is found to have, as are one for another name and one of an authority that nobody knows', async () => {
  const cases = [
    [await served(ours, localhost, -1), /CERT_HAS_EXPIRED/, /Renew the certificate/],
    [await served(ours, 'DNS:elsewhere.example', 40), /ALTNAME/, /the name that the certificate is for/],
    [await served(strange, localhost, 40), /UNABLE_TO|SELF_SIGNED/, /NODE_EXTRA_CA_CERTS/],
  ] as const;
  for (const [url, words, what] of cases) {
    const { verdict, saw, fix } = await probed(url);
    assert.equal(verdict, 'differs', saw);
    assert.match(saw ?? '', words);
    assert.match(fix ?? '', what);
  }
});

test('an address at which nobody is, or nobody that speaks so, or somebody who is down, is a set-up to correct and nothing unknown', async () => {
  const plain = await listening(
    createPlainServer((_request, response) => response.writeHead(503).end()),
    'http',
  );
  const cases = [
    ['http://127.0.0.1:1/', /connection|ECONNREFUSED/, /Correct `url`/],
    ['https://nobody.invalid/', /nobody\.invalid/, /name server/],
    [plain.replace('http:', 'https:'), /failed/, /scheme/],
    [plain, /status 503/, /is up/],
  ] as const;
  for (const [url, words, what] of cases) {
    const { verdict, saw, fix } = await probed(url);
    assert.equal(verdict, 'differs', `${url}: ${saw}`);
    assert.match(saw ?? '', words);
    assert.match(fix ?? '', what);
  }
});

test('an interrupt of the check says nothing of the address', async () => {
  const interrupted = AbortSignal.abort();
  const { verdict } = await addressProbe({ url: 'http://127.0.0.1:1/', http }).run(interrupted).catch(verdictOf);
  assert.equal(verdict, 'unknown');
});
