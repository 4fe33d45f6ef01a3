/** A gateway whose certificate is not to be trusted is not paired with: the check says so, and nothing is sent there. */
import assert from 'node:assert/strict';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { WireCheck } from '#core/wire.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { runChecks, type CheckRun } from '#activities/pairing/connect-checks.ts';
import { readIdentity } from '#protocols/ferry/identity.ts';
import { makeAuthority, type Authority } from '#test/support/certificates.ts';

const http = createHttpClient({ allow: { http: false, privateAddresses: ['127.0.0.0/8'] } });
let ours: Authority;
let strange: Authority;
before(async () => {
  [ours, strange] = [await makeAuthority(), await makeAuthority('Nobody knows it')];
  setDefaultCACertificates([...getCACertificates('default'), ours.ca]);
});
after(async () => {
  await http.close();
  await Promise.all([ours.remove(), strange.remove()]);
});

const unused = (): never => {
  throw new Error('nothing is called at a gateway that is not trusted');
};

/** What the checks find at a server with this certificate, and how many requests it got. */
async function checked(by: Authority, names: string, days = 2) {
  let requests = 0;
  const server = createServer(await by.sign('gateway', names, days), (_request, response) => {
    requests += 1;
    response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const issuer = `https://127.0.0.1:${(server.address() as AddressInfo).port}/i/acme`;
  const found: WireCheck[] = [];
  const calls = { issuer: unused, link: unused, catalogue: unused, pad: unused, putFile: unused, digestThere: unused };
  const run: CheckRun = {
    identify: (url, signal) => readIdentity(http, url, signal),
    calls,
    now: () => Date.now(),
    found: async (check) => void found.push(check),
    signal: AbortSignal.timeout(20_000),
  };
  try {
    const { said } = await runChecks(run, { issuer, farLink: 'far' });
    assert.equal(said, null);
    return { found: found.map(({ name, ok }) => [name, ok]), text: found.at(-1)?.text ?? '', requests };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

for (const [what, by, names, days] of [
  ['of an authority that nobody knows', () => strange, 'IP:127.0.0.1', 2],
  ['that has ended', () => ours, 'IP:127.0.0.1', -1],
  ['for another host', () => ours, 'DNS:gateway.example', 2],
] as const)
  test(`with a certificate ${what}`, async () => {
    const { found, text, requests } = await checked(by(), names, days);
    assert.deepEqual(found, [
      ['reachability', true],
      ['tls', false],
    ]);
    assert.match(text, /The certificate of 127\.0\.0\.1:\d+ is not accepted here/);
    assert.equal(requests, 0);
  });

test('one that is trusted is asked who it is, and its certificate is no fault', async () => {
  const { found, requests } = await checked(ours, 'IP:127.0.0.1');
  assert.equal(requests, 1);
  assert.ok(found.every(([name]) => name !== 'tls'));
});
