// Hostile peers and clients, over real HTTP against a real gateway: which statements are believed.
import assert from 'node:assert/strict';
import { connect as connectSocket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { wireAnswer, type WireAction } from '#core/wire.ts';
import { rows } from '#db/base/client.ts';
import { retireOriginKey } from '#db/exchange/origin-keys.ts';
import { loadDirectory } from '#db/exchange/directory.ts';
import { until } from '#test/support/wait.ts';
import { escalation, wireOf, type Wanted } from '#test/db/exchange/receive-rig.ts';
import { newOrigin, signedBy, startApiRig, type ApiRig, type Origin, type Reply } from './api-rig.ts';

const said = (reply: Reply): readonly string[] => {
  assert.equal(reply.status, 200, reply.text);
  return wireAnswer
    .parse(reply.body)
    .results.map(({ status, reason: why }) => (why === undefined ? status : `${status} ${why.code}`));
};

const vouchedFor = (action: WireAction, { public: key }: Origin): WireAction => ({
  ...action,
  key: key as NonNullable<WireAction['key']>,
});

describe('what a peer says about others', () => {
  let rig: ApiRig;
  let ticket = 0;
  before(async () => {
    rig = await startApiRig('trust');
  });
  after(() => rig.close());

  const all = <Row extends Record<string, unknown>>(query: ReturnType<typeof sql>): Promise<readonly Row[]> =>
    rows<Row>(rig.connection.db, query);
  /** Opens a separate ticket with the given text, as acme or as another caller. */
  const say = async (by: Origin, wanted: Wanted & { link?: string; query?: string; vouch?: Origin | null } = {}) => {
    ticket += 1;
    const { link = 'acme-north', query = '', vouch = by, ...rest } = wanted;
    const action = await signedBy(escalation({ ticket: `t${ticket}`, origin: by.issuer, ...rest }), by);
    const token = await rig.token(link, 'customer');
    return rig.call('POST', `/v1/supplier/tickets${query}`, {
      token,
      json: { action: vouch === null ? action : vouchedFor(action, vouch) },
    });
  };
  const originsStored = async (): Promise<readonly string[]> =>
    (await all<{ origin: string }>(sql`select distinct origin from actions order by origin`)).map(
      ({ origin }) => origin,
    );

  it('a name under our own URL that is not ours is nobody’s, however it is spelled', async () => {
    const before = await originsStored();
    const { host } = new URL(rig.url);
    for (const name of [
      `${rig.url}/i/far-peer`,
      `${rig.url}/i/acme-peer`,
      `${rig.url}/i/https://victim.example/i/desk`,
      `${rig.url}/i/nobody`,
      `${rig.url}/i/`,
      `${rig.url}/i/north/`,
      `${rig.url}/i/%6eorth`,
      `${rig.url}/i/x/../north`,
      `${rig.url}//i/north`,
      `${rig.url}/i/north?x`,
      `${rig.url}/i/north#x`,
      `HTTP://${host}/i/north`,
      `https://${host}/i/north`,
      `http://user@${host}/i/north`,
    ])
      assert.deepEqual(said(await say(await newOrigin(name))), ['refused bad-signature'], name);
    assert.deepEqual(await originsStored(), before);
  });

  it('a name that only looks like a peer’s is not vouched for', async () => {
    for (const name of [
      'HTTPS://far.example/i/far',
      'https://FAR.example/i/far',
      'https://far.example:443/i/far',
      'https://far.example/i/../i/far',
      'https://user@far.example/i/far',
      'https://far.example/i/far?a',
      'https://far.example/i/other',
    ])
      assert.deepEqual(said(await say(await newOrigin(name))), ['refused bad-signature'], name);
  });

  it('a peer may speak for another desk at its own gateway', async () => {
    assert.deepEqual(said(await say(await newOrigin('https://acme.example/i/second'))), ['accepted']);
  });

  it('a key is remembered only with an accepted action: not after a wrong signature, a dry run or a request on an idle link', async () => {
    const stranger = await newOrigin('https://junk.example/i/junk');
    const forged = { ...(await newOrigin(stranger.issuer)), kid: stranger.kid };
    const known = (): Promise<readonly unknown[]> =>
      all(sql`select 1 as one from origin_keys where origin = ${stranger.issuer}`);
    assert.deepEqual(said(await say(forged, { vouch: stranger })), ['refused bad-signature']);
    assert.deepEqual(said(await say(stranger, { query: '?dryRun=true' })), ['accepted']);
    for (const state of ['suspended', 'pairing', 'quarantined', 'closing']) {
      await rig.connection.sql`update links set state = ${state} where id = 'acme-north'`;
      assert.notDeepEqual(said(await say(stranger)), ['accepted'], state);
    }
    await rig.connection.sql`update links set state = 'active' where id = 'acme-north'`;
    assert.equal((await known()).length, 0);
    assert.deepEqual(said(await say(stranger)), ['accepted']);
    assert.equal((await known()).length, 1);
  });

  it('a link can vouch for a limited number of keys', async () => {
    await rig.connection.sql`insert into origin_keys (origin, kid, key, vouched_by)
      select 'https://many.example/i/m' || n, 'k', '{}', 'beta-north' from generate_series(1, 1000) n`;
    const stranger = await newOrigin('https://one-more.example/i/x');
    assert.deepEqual(said(await say(stranger, { link: 'beta-north' })), ['refused bad-signature']);
    await rig.connection.sql`delete from origin_keys where vouched_by = 'beta-north'`;
    assert.deepEqual(said(await say(stranger, { link: 'beta-north' })), ['accepted']);
  });

  it('a key that a peer vouched for stops working once its origin has paired, and does not block the origin’s own key of that name', async () => {
    const forger = await newOrigin('https://bank.example/i/desk');
    const real = await newOrigin(forger.issuer);
    const bank = { ...real, kid: forger.kid, public: { ...real.public, kid: forger.kid } };
    assert.deepEqual(said(await say(forger)), ['accepted']);
    await rig.connection.sql`insert into instances (id, type, name, url, credentials, live_since, state)
      values ('bank-peer', 'peer', 'Bank', ${bank.issuer}, 'sealed', now(), 'up')`;
    await rig.connection.sql`insert into couriers (instance) values ('bank-peer')`;
    rig.keySets?.set(bank.issuer, [bank.public]);
    await until(async () => (await loadDirectory(rig.connection.db, rig.url)).peers.has('bank-peer'), {
      what: 'the peer',
    });
    assert.deepEqual(said(await say(forger)), ['refused bad-signature']);
    assert.deepEqual(said(await say(forger, { vouch: null })), ['refused bad-signature']);
    assert.deepEqual(said(await say(bank)), ['accepted']);
    assert.deepEqual(said(await say(forger)), ['refused bad-signature'], 'after the bank has spoken');
  });

  it('a key that its origin no longer publishes signs nothing new', async () => {
    const beta = rig.origins.beta;
    assert.deepEqual(said(await say(beta, { link: 'beta-north', vouch: null })), ['accepted']);
    await rig.connection
      .sql`update origin_keys set confirmed_at = now() - interval '11 minutes' where origin = ${beta.issuer}`;
    const next = await newOrigin(beta.issuer);
    rig.keySets?.set(beta.issuer, [next.public]);
    rig.passTime(11 * 60_000);
    assert.deepEqual(said(await say(beta, { link: 'beta-north', vouch: null })), ['refused bad-signature']);
    assert.deepEqual(said(await say(beta, { link: 'beta-north' })), ['refused bad-signature'], 'vouched for by itself');
    assert.deepEqual(said(await say(next, { link: 'beta-north', vouch: null })), ['accepted']);
    rig.keySets?.set(beta.issuer, [beta.public]);
  });

  it('while an origin’s key set can’t be read its known key works for a day, then the action waits', async () => {
    const { acme } = rig.origins;
    rig.passTime(11 * 60_000);
    assert.deepEqual(said(await say(acme, { vouch: null })), ['accepted']);
    const sets = rig.keySets;
    rig.keySets = null;
    const aged = async (age: string): Promise<Reply> => {
      await rig.connection
        .sql`update origin_keys set confirmed_at = now() - ${age}::interval where origin = ${acme.issuer}`;
      rig.passTime(11 * 60_000);
      return say(acme, { vouch: null });
    };
    assert.deepEqual(said(await aged('23 hours')), ['accepted']);
    const late = await aged('25 hours');
    assert.equal(late.status, 503);
    assert.equal(late.body['type'], 'urn:ferry:problem:keys-unavailable');
    rig.keySets = sets;
    rig.passTime(11 * 60_000);
    assert.deepEqual(said(await say(acme, { vouch: null })), ['accepted']);
  });

  it('a stranger’s key must be vouched for again after a day', async () => {
    const stranger = await newOrigin('https://quiet.example/i/q');
    assert.deepEqual(said(await say(stranger)), ['accepted']);
    assert.deepEqual(said(await say(stranger, { vouch: null })), ['accepted']);
    await rig.connection
      .sql`update origin_keys set confirmed_at = now() - interval '25 hours' where origin = ${stranger.issuer}`;
    assert.deepEqual(said(await say(stranger, { vouch: null })), ['refused bad-signature']);
    assert.deepEqual(said(await say(stranger)), ['accepted']);
  });

  it('a key that is retired here signs nothing new, although its origin or a peer names it', async () => {
    const { db } = rig.connection;
    const stranger = await newOrigin('https://stolen.example/i/s');
    assert.deepEqual(said(await say(stranger)), ['accepted']);
    assert.equal(await retireOriginKey(db, stranger.issuer, stranger.kid), true);
    assert.equal(await retireOriginKey(db, stranger.issuer, stranger.kid), false);
    assert.deepEqual(said(await say(stranger)), ['refused bad-signature']);
    const beta = await newOrigin(rig.origins.beta.issuer);
    rig.keySets?.set(beta.issuer, [beta.public, rig.origins.beta.public]);
    rig.passTime(11 * 60_000);
    assert.deepEqual(said(await say(beta, { link: 'beta-north' })), ['accepted']);
    await retireOriginKey(db, beta.issuer, beta.kid);
    assert.deepEqual(said(await say(beta, { link: 'beta-north' })), ['refused bad-signature']);
  });

  it('a suspended or quarantined link reports its state, and accepts and serves no files or entries', async () => {
    const mirror = await rig.openMirror('rests');
    const file = '0'.repeat(64);
    for (const state of ['suspended', 'quarantined']) {
      await rig.connection.sql`update links set state = ${state} where id = 'acme-north'`;
      for (const path of [
        '/v1/instance',
        '/v1/link',
        '/v1/catalogue',
        '/v1/supplier/lanes',
        `/v1/supplier/tickets/${mirror}`,
      ])
        assert.equal((await rig.call('GET', path)).status, 200, `${state} ${path}`);
      for (const [method, path] of [
        ['GET', '/v1/supplier/actions?after=0'],
        ['GET', `/v1/supplier/tickets/${mirror}/actions?after=0`],
        ['GET', `/v1/attachments/${file}`],
        ['PUT', `/v1/attachments/${file}`],
      ] as const) {
        const reply = await rig.call(method, path, method === 'PUT' ? { body: 'x' } : {});
        assert.equal(reply.status, 503, `${state} ${method} ${path}`);
        assert.equal(reply.body['type'], `urn:ferry:problem:link-${state}`);
        assert.equal(reply.headers.get('retry-after'), '60');
      }
      assert.deepEqual(said(await say(rig.origins.acme)), [`deferred link-${state}`]);
    }
    await rig.connection.sql`update links set state = 'active' where id = 'acme-north'`;
  });

  it('a seq far beyond what a lane can count is refused, and the lane continues', async () => {
    const mirror = await rig.openMirror('far-seq');
    const post = async (seq: number, after: number): Promise<Reply> =>
      rig.call('POST', `/v1/supplier/tickets/${mirror}/actions`, {
        json: { actions: [await rig.signed({ ticket: 'far-seq', seq, after })] },
      });
    for (const [seq, after] of [
      [Number.MAX_SAFE_INTEGER, 1],
      [2 ** 48 + 1, 2 ** 48],
      [2 ** 31 + 2, 1],
      [2 ** 60, 1],
    ] as const)
      assert.equal((await post(seq, after)).status, 422, `${seq} after ${after}`);
    assert.deepEqual(said(await post(2, 1)), ['accepted']);
  });

  it('a webhook’s URL is checked when it is given, and a gateway has none', async () => {
    const tool = await rig.token('tool-north', 'customer');
    for (const url of [
      'http://169.254.169.254/latest',
      'https://10.0.0.7/hook',
      'https://[::1]/hook',
      'https://example.com:25/hook',
      'http://93.184.216.34/hook',
      'https://user:word@93.184.216.34/hook',
      'ftp://93.184.216.34/hook',
    ]) {
      const reply = await rig.call('PUT', '/v1/webhook', { token: tool, json: { url } });
      assert.equal(reply.status, 422, `${url} ${reply.text}`);
    }
    assert.equal((await all(sql`select 1 as one from webhooks`)).length, 0);
    const peer = await rig.call('PUT', '/v1/webhook', { json: { url: 'https://93.184.216.34/hook' } });
    assert.equal(peer.status, 403);
    assert.equal(peer.body['type'], 'urn:ferry:problem:not-for-gateways');
  });

  describe('what can be read in two ways is refused', () => {
    const raw = (head: readonly string[], body = ''): Promise<string> =>
      new Promise((resolve, reject) => {
        const { hostname, port } = new URL(rig.url);
        const socket = connectSocket(Number(port), hostname);
        let text = '';
        socket.setEncoding('utf8');
        socket.on('data', (chunk: string) => (text += chunk));
        socket.on('error', reject);
        socket.on('close', () => resolve(text));
        socket.write(`${[...head, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`);
      });

    it('two headers of a sort that counts once', async () => {
      const token = await rig.token('acme-north', 'customer');
      const lines = ['GET /v1/instance HTTP/1.1', 'Host: localhost', `Authorization: Bearer ${token}`];
      assert.match(await raw(lines), /^HTTP\/1\.1 200 /);
      for (const more of [
        'Host: evil.example',
        'host: localhost',

        'HOST:',
      ])
        assert.match(await raw([...lines, more]), /^HTTP\/1\.1 400 [\s\S]*repeated-header/, more);
      assert.match(await raw([...lines, 'AUTHORIZATION: Bearer y']), /^HTTP\/1\.1 401 /);
      const dpop = await raw([...lines, 'DPoP: a', 'DPoP: b']);
      assert.match(dpop, /^HTTP\/1\.1 400 /);
    });

    it('an object that names a key twice, however the key is written and however deep', async () => {
      const action = await rig.escalation({ ticket: 'twice' });
      const text = JSON.stringify({ action });
      const path = '/v1/supplier/tickets?dryRun=true';
      const headers = { 'content-type': 'application/json' };
      for (const body of [
        text.replace('"seq":1', '"seq":1,"seq":1'),
        text.replace('"note":', '"note":"other","note":'),
        text.replace('"note":', String.raw`"n\u006fte":"other","note":`),
        text.replace('{"action":', `{"action":${JSON.stringify(action)},"action":`),
        text.replace('"fields":{}', '"fields":{"a":[{"b":1,"b":2}]}'),
        text.replace('"fields":{}', '"fields":{"__proto__":1,"__proto__":2}'),
      ]) {
        const reply = await rig.call('POST', path, { body, headers });
        assert.equal(reply.status, 400, reply.text);
        assert.equal(reply.body['type'], 'urn:ferry:problem:malformed-json');
      }
      const alike = text.replace('"fields":{}', String.raw`"fields":{"a":"\"b\":1,\"b\"","b":"a","c":"{\"c\":{}"}`);
      assert.deepEqual(said(await rig.call('POST', path, { body: alike, headers })), ['accepted']);
      const checks = await rig.call('POST', '/v1/link/checks', { body: '{"padding":"","padding":"x"}', headers });
      assert.equal(checks.status, 400, 'every endpoint that takes JSON');
    });

    it('a parameter that is named twice', async () => {
      const action = await rig.escalation({ ticket: 'params' });
      const reply = await rig.call('POST', '/v1/supplier/tickets?dryRun=true&dryRun=false', { json: { action } });
      assert.equal(reply.status, 422);
      assert.equal(reply.body['type'], 'urn:ferry:problem:invalid-query');
    });
  });

  it('an unsigned statement is attributed to no gateway', async () => {
    const action = wireOf({ origin: rig.origins.acme.issuer, seq: 1 });
    const reply = await rig.call('POST', '/v1/supplier/tickets', {
      json: { action: { ...action, escalation: { summary: 'x' } } },
    });
    assert.deepEqual(said(reply), ['refused bad-signature']);
  });
});
