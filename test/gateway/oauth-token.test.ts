// The token endpoint: who gets a token, what it contains, what is refused and how.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { addClientSecret, makeClientSecret } from '#db/links/clients.ts';
import { basic, forge, claimsFor, grant, newClient, postForm, startRig, tokenOf, whoami } from './oauth-rig.ts';
import type { Rig, TestClient } from './oauth-rig.ts';

let rig: Rig;
let client: TestClient;
before(async () => {
  rig = await startRig({ addressOf: () => randomUUID() });
  client = await newClient(rig);
});
after(() => rig.close());

async function assertError(reply: Response, status: number, error: string): Promise<void> {
  const body = (await reply.json()) as { readonly error: string };
  assert.deepEqual([reply.status, body.error], [status, error]);
  assert.equal(reply.headers.get('cache-control'), 'no-store');
}

test('a secret in the header or in the form gives a token of five minutes that nobody keeps', async () => {
  const { id, secret } = client;
  const inForm = { ...grant, client_id: id, client_secret: secret };
  for (const reply of [
    await postForm(rig, '/oauth/token', grant, { authorization: basic(client) }),
    await postForm(rig, '/oauth/token', inForm),
  ]) {
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('cache-control'), 'no-store');
    const body = (await reply.json()) as Record<string, unknown>;
    assert.deepEqual(Object.keys(body).toSorted(), ['access_token', 'expires_in', 'token_type']);
    assert.deepEqual([body['token_type'], body['expires_in']], ['Bearer', 300]);
  }
});

test('an access token is for one instance, one link and one role, and declares them as in RFC 9068', async () => {
  const token = await tokenOf(rig, client);
  const { alg, typ, kid, ...others } = decodeProtectedHeader(token);
  assert.deepEqual([alg, typ, others], ['EdDSA', 'at+jwt', {}]);
  assert.match(String(kid), /^[0-9a-f]{16}$/);
  const { iat = 0, exp = 0, jti, ...claims } = decodeJwt(token);
  assert.equal(exp - iat, 300);
  assert.match(String(jti), /^[0-9a-f-]{36}$/);
  assert.deepEqual(claims, {
    ...{ iss: rig.issuer, aud: rig.issuer, sub: client.id, client_id: client.id },
    ...{ link: 'north', role: 'supplier' },
  });
  assert.notEqual(jti, decodeJwt(await tokenOf(rig, client)).jti);
});

test('the metadata names one grant, and its issuer is exactly the one asked for', async () => {
  const reply = await fetch(`${rig.url}/.well-known/oauth-authorization-server/i/acme`);
  assert.equal(reply.status, 200);
  const body = (await reply.json()) as Record<string, unknown>;
  assert.equal(body['issuer'], rig.issuer);
  assert.deepEqual(body['grant_types_supported'], ['client_credentials']);
  assert.equal(body['token_endpoint'], `${rig.url}/oauth/token`);
  assert.equal(body['jwks_uri'], `${rig.issuer}/jwks.json`);
});

test('an unknown instance has neither metadata nor keys, and the answer is that of any unknown page', async () => {
  const paths = ['/.well-known/oauth-authorization-server/i/nobody', '/i/nobody/jwks.json', '/i/acme/nothing'];
  const bodies = await Promise.all(
    paths.map(async (path) => {
      const reply = await fetch(rig.url + path);
      assert.equal(reply.status, 404);
      return reply.text();
    }),
  );
  assert.equal(new Set(bodies).size, 1);
});

test('the key set holds public keys only, of all uses', async () => {
  const reply = await fetch(`${rig.issuer}/jwks.json`);
  const { keys } = (await reply.json()) as { readonly keys: readonly Record<string, unknown>[] };
  assert.equal(keys.length, 3);
  for (const key of keys) assert.deepEqual(Object.keys(key).toSorted(), ['crv', 'kid', 'kty', 'use', 'x']);
});

test('every grant but client_credentials is unsupported', async () => {
  const others = ['password', 'implicit', 'authorization_code', 'refresh_token', 'CLIENT_CREDENTIALS'];
  for (const grant_type of [...others, 'urn:ietf:params:oauth:grant-type:jwt-bearer'])
    await assertError(
      await postForm(
        rig,
        '/oauth/token',
        { grant_type, username: 'a', password: 'b' },
        { authorization: basic(client) },
      ),
      400,
      'unsupported_grant_type',
    );
});

const wrong: readonly (readonly [string, () => readonly [string | Record<string, string>, Record<string, string>]])[] =
  [
    ['nothing at all', () => [grant, {}]],
    ['a wrong secret', () => [grant, { authorization: basic({ ...client, secret: `${client.secret}x` }) }]],
    ['an empty secret', () => [grant, { authorization: basic({ ...client, secret: '' }) }]],
    ['an unknown client', () => [grant, { authorization: basic({ id: 'nobody', secret: client.secret }) }]],
    ['Basic that is no base64', () => [grant, { authorization: 'Basic ****' }]],
    ['Basic without a colon', () => [grant, { authorization: `Basic ${Buffer.from('abc').toString('base64')}` }]],
    [
      'Basic with broken percents',
      () => [grant, { authorization: `Basic ${Buffer.from('%zz:%').toString('base64')}` }],
    ],
    ['Bearer', () => [grant, { authorization: 'Bearer abc' }]],
    ['another client in the form', () => [{ ...grant, client_id: 'x' }, { authorization: basic(client) }]],
    ['a client with NUL', () => [{ ...grant, client_id: 'a\u0000', client_secret: 'x' }, {}]],
    ['a client that is SQL', () => [{ ...grant, client_id: "' or 1=1 --", client_secret: 'x' }, {}]],
    ['a client that is a path', () => [{ ...grant, client_id: '../../etc/passwd', client_secret: 'x' }, {}]],
    ['a client of 10,000 characters', () => [{ ...grant, client_id: 'a'.repeat(10_000), client_secret: 'x' }, {}]],
    ['an id alone', () => [{ ...grant, client_id: client.id }, {}]],
    ['an empty secret in the form', () => [{ ...grant, client_id: client.id, client_secret: '' }, {}]],
    ['an assertion of another type', () => [{ ...grant, client_assertion: 'a.b.c', client_assertion_type: 'x' }, {}]],
  ];
for (const [name, request] of wrong)
  test(`${name} is refused as invalid_client, with a body that tells nothing more`, async () => {
    const [form, headers] = request();
    const reply = await postForm(rig, '/oauth/token', form, headers);
    assert.equal(reply.headers.get('www-authenticate')?.startsWith('Basic ') ?? false, 'authorization' in headers);
    assert.deepEqual(await reply.clone().json(), {
      error: 'invalid_client',
      error_description: 'The client could not be authenticated.',
    });
    await assertError(reply, 401, 'invalid_client');
  });

test('two ways to authenticate at once, a repeated parameter, and a body that is not a form are invalid requests', async () => {
  const { id, secret } = client;
  const own = { authorization: basic(client) };
  const both = { ...grant, client_id: id, client_secret: secret };
  await assertError(await postForm(rig, '/oauth/token', both, own), 400, 'invalid_request');
  await assertError(
    await postForm(rig, '/oauth/token', { ...both, client_assertion: 'a.b.c' }),
    400,
    'invalid_request',
  );
  const twice = 'grant_type=client_credentials&grant_type=password';
  await assertError(await postForm(rig, '/oauth/token', twice, own), 400, 'invalid_request');
  await assertError(await postForm(rig, '/oauth/token', '', own), 400, 'invalid_request');
  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded; charset=utf-16'])
    await assertError(
      await postForm(rig, '/oauth/token', 'grant_type=client_credentials', { ...own, 'content-type': type }),
      400,
      'invalid_request',
    );
  const bytes = new Uint8Array([0x67, 0xff, 0xfe]);
  const headers = { ...own, 'content-type': 'application/x-www-form-urlencoded' };
  const reply = await fetch(`${rig.url}/oauth/token`, { method: 'POST', headers, body: bytes });
  await assertError(reply, 400, 'invalid_request');
});

const formTypes = [
  'application/x-www-form-urlencoded; charset=ISO-8859-1',
  'application/x-www-form-urlencoded;charset=us-ascii',
  'application/x-www-form-urlencoded; charset="UTF-8"',
  'application/x-www-form-urlencoded; charset=utf8;',
  'Application/X-WWW-Form-Urlencoded ; Charset=latin1 ; q=1',
  'application/x-www-form-urlencoded; charset=windows-1252',
];
for (const type of formTypes) {
  test(`a token is given to a form of the type ${type}`, async () => {
    const body = `grant_type=client_credentials&client_id=${client.id}&client_secret=${client.secret}`;
    const reply = await postForm(rig, '/oauth/token', body, { 'content-type': type });
    assert.equal(reply.status, 200, await reply.text());
  });
}

test('letters of ISO-8859-1 are read as such, escaped or not, and a name that no charset has is refused', async () => {
  const type = 'application/x-www-form-urlencoded; charset=iso-8859-1';
  const fields = { grant_type: 'client_credentials', client_id: client.id, client_secret: client.secret };
  const form = new URLSearchParams(fields).toString();
  for (const end of ['&note=caf%E9', '&note=caf\u00e9']) {
    const headers = { 'content-type': type };
    const body = Buffer.from(form + end, 'latin1');
    const reply = await fetch(`${rig.url}/oauth/token`, { method: 'POST', headers, body });
    assert.equal(reply.status, 200, await reply.text());
  }
  for (const charset of ['utf-16', 'nonsense', 'shift_jis', ''])
    await assertError(
      await postForm(rig, '/oauth/token', form, {
        'content-type': `application/x-www-form-urlencoded; charset=${charset}`,
      }),
      400,
      'invalid_request',
    );
});

test('a scope is refused, since there are none; a resource must be the own issuer', async () => {
  const own = { authorization: basic(client) };
  await assertError(await postForm(rig, '/oauth/token', { ...grant, scope: 'admin' }, own), 400, 'invalid_scope');
  await assertError(
    await postForm(rig, '/oauth/token', { ...grant, resource: 'https://x.example' }, own),
    400,
    'invalid_target',
  );
  assert.equal((await postForm(rig, '/oauth/token', { ...grant, resource: rig.issuer }, own)).status, 200);
});

test('a body that is too long or compressed, and every other method, is refused as a problem', async () => {
  const own = { authorization: basic(client) };
  const long = await postForm(rig, '/oauth/token', `grant_type=${'x'.repeat(40 * 1024)}`, own);
  assert.equal(long.status, 413);
  assert.equal((await postForm(rig, '/oauth/token', grant, { ...own, 'content-encoding': 'gzip' })).status, 415);
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS']) {
    const reply = await fetch(`${rig.url}/oauth/token`, { method, headers: { 'x-http-method-override': 'POST' } });
    assert.deepEqual([reply.status, reply.headers.get('allow')], [405, 'POST']);
  }
});

test('a new secret works at once and the old one until the overlap is over', async () => {
  const other = await newClient(rig);
  const next = makeClientSecret();
  assert.equal(await addClientSecret(rig.connection.db, other.id, next.hash, 60_000), true);
  await tokenOf(rig, other);
  await tokenOf(rig, { id: other.id, secret: next.secret });
  const third = makeClientSecret();
  await addClientSecret(rig.connection.db, other.id, third.hash, 0);
  await tokenOf(rig, { id: other.id, secret: third.secret });
  for (const secret of [other.secret, next.secret])
    await assertError(
      await postForm(rig, '/oauth/token', grant, { authorization: basic({ id: other.id, secret }) }),
      401,
      'invalid_client',
    );
  assert.equal(await addClientSecret(rig.connection.db, 'nobody', next.hash, 0), false);
});

test('a secret has 256 bits, and the database has only its hash', async () => {
  const made = makeClientSecret();
  assert.equal(Buffer.from(made.secret, 'base64url').length, 32);
  assert.notEqual(makeClientSecret().secret, made.secret);
  const stored = JSON.stringify(await rig.connection.sql`select * from clients`);
  assert.ok(!stored.includes(client.secret));
});

test('a token that its client revokes stops working; the answer is 200 whatever was sent', async () => {
  const own = { authorization: basic(client) };
  const [token, kept] = [await tokenOf(rig, client), await tokenOf(rig, client)];
  for (const _ of [1, 2]) assert.equal((await postForm(rig, '/oauth/revoke', { token }, own)).status, 200);
  assert.equal((await whoami(rig, `Bearer ${token}`)).status, 401);
  assert.equal((await whoami(rig, `Bearer ${kept}`)).status, 200);
  for (const garbage of [
    'x',
    'a.b.c',
    '\u0000',
    'é'.repeat(2_000),
    await forge(rig, claimsFor(rig, client), { typ: 'JWT' }),
  ])
    assert.equal((await postForm(rig, '/oauth/revoke', { token: garbage, token_type_hint: 'x' }, own)).status, 200);
});

test("another client's token can't be revoked: 200, and it still works", async () => {
  const other = await newClient(rig);
  const token = await tokenOf(rig, other);
  assert.equal((await postForm(rig, '/oauth/revoke', { token }, { authorization: basic(client) })).status, 200);
  assert.equal((await whoami(rig, `Bearer ${token}`)).status, 200);
});

test('revocation asks for the client too, and for a token', async () => {
  await assertError(await postForm(rig, '/oauth/revoke', { token: 'x' }), 401, 'invalid_client');
  await assertError(await postForm(rig, '/oauth/revoke', {}, { authorization: basic(client) }), 400, 'invalid_request');
  assert.equal((await fetch(`${rig.url}/oauth/revoke`)).status, 405);
});
