// Blocked keys, bound tokens, and what the other side does not learn, between two gateways.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { createHttpClient } from '#connectors/kit/http.ts';
import { outward, reason } from '#core/words/reasons.ts';
import { signingKey } from '#db/links/keys.ts';
import { loadPeer } from '#db/links/peers.ts';
import { createPeerClient } from '#protocols/ferry/client.ts';
import { createTokenSource } from '#protocols/ferry/tokens.ts';
import { allowAddresses, join, openGateway, type PairGateway } from '#test/gateway/pair-rig.ts';

let acme: PairGateway;
let north: PairGateway;
const http = createHttpClient({ allow: { http: true, privateAddresses: [...allowAddresses] } });
const link = 'acme-north';

before(async () => {
  [acme, north] = await Promise.all([openGateway('acme'), openGateway('north')]);
  await join(acme, north, link);
});
after(async () => {
  await Promise.all([acme?.close(), north?.close(), http.close()]);
});

/** North calls acme, with tokens as its own row says or as given. */
async function clientOfNorth(dpop?: 'off' | 'optional' | 'required') {
  const peer = await loadPeer(north.connection.db, link);
  assert.ok(peer !== null);
  const { api, issuer, clientId, instance } = peer;
  const tokens = createTokenSource({
    issuer,
    clientId,
    http,
    dpop: dpop ?? peer.dpop,
    signingKey: () => signingKey(north.connection.db, north.open, instance, 'client'),
  });
  return { tokens, client: createPeerClient({ api, issuer, tokens, http }) };
}
const signal = AbortSignal.timeout(120_000);
const modes = async (gateway: PairGateway): Promise<readonly string[]> =>
  (
    await gateway.rows<{ dpop: string }>(
      sql`select dpop from peers where link = ${link} union all select dpop from clients where link = ${link}`,
    )
  ).map(({ dpop }) => dpop);

test('tokens between gateways of a new link are bound to keys, both ways: one without is not given out, and none is taken', async () => {
  assert.deepEqual([...(await modes(acme)), ...(await modes(north))], ['required', 'required', 'required', 'required']);
  const bound = await clientOfNorth();
  assert.equal((await bound.client.link(signal)).link, link);
  const { authorization } = await bound.tokens.authorization('GET', `${acme.url}/v1/link`);
  assert.match(authorization ?? '', /^DPoP /);
  const stolen = await fetch(`${acme.url}/v1/link`, {
    headers: { authorization: (authorization ?? '').replace('DPoP', 'Bearer') },
  });
  assert.equal(stolen.status, 401);
  const bearer = await clientOfNorth('off');
  await assert.rejects(bearer.client.link(signal), { class: 'auth' });
});

test('an earlier link keeps its tokens until its credentials are rotated', async () => {
  for (const { connection } of [acme, north]) {
    await connection.db.execute(sql`update peers set dpop = 'optional' where link = ${link}`);
    await connection.db.execute(sql`update clients set dpop = 'optional' where link = ${link}`);
  }
  const { client } = await clientOfNorth('off');
  assert.equal((await client.link(signal)).link, link);
  assert.equal((await acme.ferry('link', 'rotate', link)).code, 0);
  assert.deepEqual(await modes(acme), ['required', 'required']);
  await assert.rejects(client.link(signal), { class: 'auth' });
  const after = await clientOfNorth();
  assert.equal(
    (await after.client.link(signal)).link,
    link,
    'north, which has not rotated, binds its tokens when asked',
  );
});

test('a gateway that gives out unbound tokens on a link that wants bound ones is not called', async () => {
  await acme.connection.db.execute(sql`update clients set dpop = 'off' where link = ${link}`);
  const { client } = await clientOfNorth('required');
  await assert.rejects(client.link(signal), { class: 'auth', code: 'token-not-bound' });
  await acme.connection.db.execute(sql`update clients set dpop = 'required' where link = ${link}`);
});

test('`ferry client add --dpop` and `ferry client rotate --dpop` ask a tool for bound tokens', async () => {
  const mode = async (id: string): Promise<string | undefined> =>
    (await acme.rows<{ dpop: string }>(sql`select dpop from clients where id = ${id}`))[0]?.dpop;
  const added = async (...more: string[]): Promise<string> => {
    const { out, err, code } = await acme.ferry(
      'client',
      'add',
      'tool-link',
      '--as',
      'supplier',
      '--instance',
      'acme',
      '--json',
      ...more,
    );
    assert.equal(code, 0, err);
    return (JSON.parse(out) as { client: string }).client;
  };
  const plain = await added();
  assert.equal(await mode(plain), 'optional');
  assert.equal(await mode(await added('--dpop')), 'required');
  assert.equal((await acme.ferry('client', 'rotate', plain)).code, 0);
  assert.equal(await mode(plain), 'optional');
  assert.equal((await acme.ferry('client', 'rotate', plain, '--dpop')).code, 0);
  assert.equal(await mode(plain), 'required');
});

test('a key of the other side’s client that is retired here gets no token, although the other side still publishes it', async () => {
  const { kid } = await signingKey(north.connection.db, north.open, 'north', 'client');
  const before = await clientOfNorth();
  assert.equal((await before.client.link(signal)).link, link);
  const ran = await acme.ferry('key', 'retire', kid, '--origin', north.issuer);
  assert.equal(ran.code, 0, ran.err);
  const { client } = await clientOfNorth();
  await assert.rejects(client.link(signal), { class: 'auth' });
});

test('`ferry key reinstate` takes that back: the same client gets tokens again, and the audit says who', async () => {
  const { kid } = await signingKey(north.connection.db, north.open, 'north', 'client');
  const ran = await acme.ferry('key', 'reinstate', kid, '--because', 'It was another laptop.', '--as', 'Lena Ott');
  assert.equal(ran.code, 0, ran.err);
  assert.match(ran.out, new RegExp(`${north.issuer}: signatures of the key ${kid} are accepted again`));
  const { client } = await clientOfNorth();
  assert.equal((await client.link(signal)).link, link);
  const [row] = await acme.rows(sql`select to_jsonb(a) as row from audit a where what = 'key-reinstate'`);
  assert.match(JSON.stringify(row), /Lena Ott.*another laptop|another laptop.*Lena Ott/);
  assert.match((await acme.ferry('key', 'reinstate', kid)).err, /is not retired/);
  assert.match((await acme.ferry('key', 'reinstate', 'nothing')).err, /no key "nothing" is known here/);
  const own = await signingKey(acme.connection.db, acme.open, 'acme', 'client');
  assert.match((await acme.ferry('key', 'reinstate', own.kid)).err, /is one of acme/);
});

test('`ferry key retire` takes a key from the key set, another signs at once, and the audit says who', async () => {
  const published = async (): Promise<readonly string[]> =>
    ((await (await fetch(`${north.issuer}/jwks.json`)).json()) as { keys: { kid: string }[] }).keys.map(
      ({ kid }) => kid,
    );
  const { kid } = await signingKey(north.connection.db, north.open, 'north', 'client');
  const ran = await north.ferry('key', 'retire', kid, '--because', 'A laptop was stolen.', '--as', 'Lena Ott');
  assert.equal(ran.code, 0, ran.err);
  const next = await signingKey(north.connection.db, north.open, 'north', 'client');
  assert.notEqual(next.kid, kid);
  assert.match(ran.out, new RegExp(`key ${kid} has left the key set; key ${next.kid} signs from now on`));
  const [row] = await north.rows<{ actor: unknown; detail: Record<string, unknown> }>(
    sql`select to_jsonb(a) as actor, detail from audit a where what = 'key-retire'`,
  );
  assert.match(JSON.stringify(row), /Lena Ott/);
  assert.deepEqual([row?.detail['kid'], row?.detail['because']], [kid, 'A laptop was stolen.']);
  for (let tries = 0; (await published()).includes(kid) && tries < 100; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(!(await published()).includes(kid));
  const again = await north.ferry('key', 'retire', kid);
  assert.equal(again.code === 0, false);
  assert.match(again.err, /already retired/);
  assert.match((await north.ferry('key', 'retire', 'nothing')).err, /no key "nothing" is known here/);
});

test('the other side learns that a link is suspended and why, but not by whom', async () => {
  await acme.ferry('link', 'suspend', link, '--because', 'Audit week.', '--as', 'Mallory Mole');
  const [row] = await acme.rows<{ reason: { text: string } }>(
    sql`select state_reason as reason from links where id = ${link}`,
  );
  assert.match(row?.reason.text ?? '', /Audit week\./);
  assert.doesNotMatch(row?.reason.text ?? '', /Mole/);
  const [told] = await acme.rows<{ text: string }>(
    sql`select to_jsonb(a)::text as text from audit a where what = 'link-suspended'`,
  );
  assert.match(told?.text ?? '', /Mallory Mole/);
  // As a version before this one left it.
  const old = {
    code: 'link-suspended',
    text: 'The link is suspended (by Mallory Mole), so nothing is carried on it and everything waits. Audit week. To continue, use ferry link resume.',
  };
  assert.doesNotMatch(outward(old).text, /Mole/);
  assert.doesNotMatch(
    outward({
      code: 'dropped',
      text: 'Somebody dropped it by hand (Mallory Mole), so it was not delivered. Nothing to do.',
    }).text,
    /Mole/,
  );
  assert.deepEqual(outward(reason('gap')), reason('gap'));
});
