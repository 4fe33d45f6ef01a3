// Anything presented in place of a valid token gets one and the same answer, and causes no outgoing request.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { CompactEncrypt, CompactSign, decodeJwt, exportSPKI, importJWK } from 'jose';
import type { JWK } from 'jose';
import { revokeClient } from '#db/links/clients.ts';
import { publicKeys, signingKey } from '#db/links/keys.ts';
import { until } from '#test/support/wait.ts';
import {
  basic,
  claimsFor,
  forge,
  newClient,
  newKey,
  postForm,
  seconds,
  startRig,
  tokenOf,
  whoami,
} from './oauth-rig.ts';
import type { Rig, TestClient } from './oauth-rig.ts';

let rig: Rig;
let client: TestClient;
let refusal: string;
before(async () => {
  rig = await startRig();
  client = await newClient(rig);
  refusal = await answerOf(await whoami(rig, null));
});
after(() => rig.close());

/** Everything of an answer but its date. */
async function answerOf(reply: Response): Promise<string> {
  const headers = [...reply.headers].filter(([name]) => name !== 'date');
  return JSON.stringify([reply.status, headers, await reply.text()]);
}

async function assertRefused(authorization: string | null, headers: Record<string, string> = {}): Promise<void> {
  const before = rig.fetched.length;
  assert.equal(await answerOf(await whoami(rig, authorization, headers)), refusal);
  assert.equal(rig.fetched.length, before, 'a request has left');
}

test('the refusal is 401, names both ways to authenticate, and is not to be kept', async () => {
  const reply = await whoami(rig, null);
  assert.equal(reply.status, 401);
  assert.equal(reply.headers.get('www-authenticate'), 'Bearer, DPoP');
  assert.equal(reply.headers.get('content-type'), 'application/problem+json');
  assert.equal(reply.headers.get('cache-control'), 'no-store');
  assert.equal(((await reply.json()) as { type: string }).type, 'urn:ferry:problem:invalid-token');
});

test('a token from the token endpoint identifies the caller: client, link, role, our instance, and the state of the link', async () => {
  const reply = await whoami(rig, `Bearer ${await tokenOf(rig, client)}`);
  assert.equal(reply.status, 200);
  assert.deepEqual(await reply.json(), {
    ...{ client: client.id, link: 'north', role: 'supplier', instance: 'acme', linkState: 'active' },
  });
});

test('a token that is made here like those of the token endpoint works, so that the forged ones differ in one thing', async () => {
  assert.equal((await whoami(rig, `Bearer ${await forge(rig, claimsFor(rig, client))}`)).status, 200);
  assert.equal((await whoami(rig, `bearer ${await forge(rig, claimsFor(rig, client))}`)).status, 200);
  const long = await forge(rig, claimsFor(rig, client), { typ: 'application/at+jwt' });
  assert.equal((await whoami(rig, `Bearer ${long}`)).status, 200);
});

const malformed: readonly (readonly [string, string])[] = [
  ['an empty Authorization', ''],
  ['a scheme alone', 'Bearer'],
  ['Basic', basic({ id: 'client-1', secret: 'x' })],
  ['an unknown scheme', 'Negotiate abc'],
  ['no JWT', 'Bearer abc'],
  ['three dots', 'Bearer ...'],
  ['parts that are no JSON', 'Bearer aaaa.bbbb.cccc'],
  ['a path', 'Bearer ../../etc/passwd'],
  ['an SQL string', "Bearer ' or 1=1 --"],
  ['12 KiB', `Bearer ${'a'.repeat(12 * 1024)}`],
];
for (const [name, authorization] of malformed)
  test(`an Authorization of ${name} is refused like every other`, () => assertRefused(authorization));

test('a token of a megabyte is refused, by the server or by the guard', async () => {
  const text = `Bearer ${'a'.repeat(1024 * 1024)}.b.c`;
  const straight = await rig.app.request('/v1/whoami', { headers: { authorization: text } });
  assert.equal(straight.status, 401);
  const reply = await whoami(rig, text).then(
    ({ status }) => status,
    () => 431,
  );
  assert.equal(reply, 431);
});

test('two Authorization headers are refused, also where both work', async () => {
  const token = await tokenOf(rig, client);
  const status = await new Promise((resolve, reject) => {
    const sent = request(`${rig.url}/v1/whoami`, { method: 'GET' }, (reply) => {
      reply.resume();
      resolve(reply.statusCode);
    });
    sent.setHeader('authorization', [`Bearer ${token}`, `Bearer ${token}`]);
    sent.on('error', reject).end();
  });
  assert.equal(status, 401);
});

type Change = (claims: Record<string, unknown>) => void;
const changes: readonly (readonly [string, Change])[] = [
  ['expired 61 s ago', (claims) => Object.assign(claims, { iat: seconds() - 361, exp: seconds() - 62 })],
  ['not valid for 2 minutes yet', (claims) => Object.assign(claims, { nbf: seconds() + 120 })],
  ['issued in 2 minutes', (claims) => Object.assign(claims, { iat: seconds() + 120, exp: seconds() + 300 })],
  [
    'issued 17 minutes ago, and valid for ten years',
    (claims) => Object.assign(claims, { iat: seconds() - 17 * 60, exp: seconds() + 10 * 365 * 86_400 }),
  ],
  ['without exp', (claims) => delete claims['exp']],
  ['without iat', (claims) => delete claims['iat']],
  ['without jti', (claims) => delete claims['jti']],
  ['without sub', (claims) => delete claims['sub']],
  ['without client_id', (claims) => delete claims['client_id']],
  ['without link', (claims) => delete claims['link']],
  ['without role', (claims) => delete claims['role']],
  ['without iss', (claims) => delete claims['iss']],
  ['without aud', (claims) => delete claims['aud']],
  ['with exp as a text', (claims) => Object.assign(claims, { exp: '9999999999' })],
  ['of another issuer', (claims) => Object.assign(claims, { iss: 'https://evil.example/i/acme' })],
  ['with a slash behind the issuer', (claims) => Object.assign(claims, { iss: `${String(claims['iss'])}/` })],
  ['for another instance', (claims) => Object.assign(claims, { aud: String(claims['aud']).replace('acme', 'beta') })],
  ['for a list that has us in it', (claims) => Object.assign(claims, { aud: [claims['aud'], 'https://evil.example'] })],
  ['for a list of us alone', (claims) => Object.assign(claims, { aud: [claims['aud']] })],
  ['of another link', (claims) => Object.assign(claims, { link: 'south' })],
  ['of the other role', (claims) => Object.assign(claims, { role: 'customer' })],
  ['of a role that is none', (claims) => Object.assign(claims, { role: 'admin' })],
  ['of a client that is not there', (claims) => Object.assign(claims, { sub: 'nobody', client_id: 'nobody' })],
  ['of two clients', (claims) => Object.assign(claims, { client_id: 'nobody' })],
  ['with NUL in the client', (claims) => Object.assign(claims, { sub: 'a\u0000', client_id: 'a\u0000' })],
  ['with a path as the client', (claims) => Object.assign(claims, { sub: '../etc', client_id: '../etc' })],
  ['with SQL as the link', (claims) => Object.assign(claims, { link: "' or 1=1 --" })],
  ['with half a surrogate pair in jti', (claims) => Object.assign(claims, { jti: '\ud800' })],
  ['bound to a key, but presented as Bearer', (claims) => Object.assign(claims, { cnf: { jkt: 'a'.repeat(43) } })],
  ['with a binding that is none', (claims) => Object.assign(claims, { cnf: 7 })],
];
for (const [name, change] of changes)
  test(`a token that is signed by us, ${name}, is refused like every other`, async () => {
    const claims = claimsFor(rig, client);
    change(claims);
    await assertRefused(`Bearer ${await forge(rig, claims)}`);
  });

const headers: readonly (readonly [string, Record<string, unknown>])[] = [
  ['typ JWT', { typ: 'JWT' }],
  ['no typ', { typ: undefined }],
  ['the type of an assertion', { typ: 'client-authentication+jwt' }],
  ['an unknown kid', { kid: '0123456789abcdef' }],
  ['a kid that is a path', { kid: '../../keys' }],
  ['no kid', { kid: undefined }],
  ['jku', { jku: 'https://evil.example/jwks.json' }],
  ['x5u', { x5u: 'https://evil.example/cert.pem' }],
  ['x5c', { x5c: ['AAAA'] }],
  ['another algorithm of the same key', { alg: 'Ed25519' }],
];
for (const [name, header] of headers)
  test(`a token that is signed by us, with ${name} in its header, is refused like every other`, async () => {
    await assertRefused(`Bearer ${await forge(rig, claimsFor(rig, client), header)}`);
  });

test("a token signed by somebody's own key under our kid is refused, also with the key in its header", async () => {
  const own = await newKey();
  const { kid } = await signingKey(rig.connection.db, rig.open, 'acme', 'token');
  const by = { kid, key: own.key };
  await assertRefused(`Bearer ${await forge(rig, claimsFor(rig, client), {}, by)}`);
  await assertRefused(`Bearer ${await forge(rig, claimsFor(rig, client), { jwk: own.public }, by)}`);
});

test('tokens signed by our keys for other uses are refused: an assertion or a note is not a token', async () => {
  for (const use of ['client', 'provenance'] as const) {
    const by = await signingKey(rig.connection.db, rig.open, 'acme', use);
    await assertRefused(`Bearer ${await forge(rig, claimsFor(rig, client), {}, by)}`);
  }
});

test('a token of another instance of this gateway is refused for a client of this one', async () => {
  const by = await signingKey(rig.connection.db, rig.open, 'beta', 'token');
  const issuer = rig.issuer.replace('acme', 'beta');
  await assertRefused(`Bearer ${await forge(rig, claimsFor(rig, client), {}, by)}`);
  await assertRefused(`Bearer ${await forge(rig, { ...claimsFor(rig, client), iss: issuer, aud: issuer }, {}, by)}`);
});

test('alg none and HS256 with our public key as the secret are refused', async () => {
  const [jwk] = (await publicKeys(rig.connection.db, 'acme')).filter(({ kid }) => kid !== undefined);
  const { kid } = await signingKey(rig.connection.db, rig.open, 'acme', 'token');
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = part(claimsFor(rig, client));
  for (const alg of ['none', 'None', 'NONE']) {
    await assertRefused(`Bearer ${part({ alg, typ: 'at+jwt', kid })}.${claims}.`);
    await assertRefused(`Bearer ${part({ alg, typ: 'at+jwt', kid })}.${claims}.AAAA`);
  }
  const key = await importJWK(jwk as JWK, 'EdDSA');
  const secrets = [String(jwk?.['x']), JSON.stringify(jwk), await exportSPKI(key as never)];
  for (const secret of [...secrets.map((text) => Buffer.from(text)), Buffer.from(secrets[0] ?? '', 'base64url')])
    await assertRefused(
      `Bearer ${await forge(rig, claimsFor(rig, client), { alg: 'HS256', kid }, { kid, key: Buffer.concat([secret], Math.max(32, secret.length)) })}`,
    );
});

test('a token with crit, four parts, changed claims or a cut signature is refused', async () => {
  const by = await signingKey(rig.connection.db, rig.open, 'acme', 'token');
  const bytes = new TextEncoder().encode(JSON.stringify(claimsFor(rig, client)));
  const critical = await new CompactSign(bytes)
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: by.kid, crit: ['urn:x'], 'urn:x': 1 })
    .sign(by.key, { crit: { 'urn:x': true } });
  await assertRefused(`Bearer ${critical}`);
  const token = await forge(rig, claimsFor(rig, client));
  const [head = '', body = '', signature = ''] = token.split('.');
  const changed = Buffer.from(JSON.stringify({ ...decodeJwt(token), role: 'customer' })).toString('base64url');
  for (const text of [
    `${token}.`,
    `${token}.AAAA`,
    `${head}.${body}`,
    `${head}.${body}.`,
    `${head}.${body}.${signature.slice(0, -4)}`,
    `${head}.${changed}.${signature}`,
    `${token}=`,
  ])
    await assertRefused(`Bearer ${text}`);
});

test('an encrypted token is refused', async () => {
  const jwe = await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(claimsFor(rig, client))))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: 'at+jwt' })
    .encrypt(randomBytes(32));
  await assertRefused(`Bearer ${jwe}`);
});

test('a token 59 s past its end still works, since clocks differ; one that claims ten years works for 15 minutes', async () => {
  const now = seconds();
  const late = await forge(rig, { ...claimsFor(rig, client), iat: now - 300, exp: now - 57 });
  assert.equal((await whoami(rig, `Bearer ${late}`)).status, 200);
  const old = await forge(rig, { ...claimsFor(rig, client), iat: now - 14 * 60, exp: now + 10 * 365 * 86_400 });
  assert.equal((await whoami(rig, `Bearer ${old}`)).status, 200);
});

test('a token is refused by the first request after the revocation of its client', async () => {
  const other = await newClient(rig);
  const token = `Bearer ${await tokenOf(rig, other)}`;
  assert.equal((await whoami(rig, token)).status, 200);
  assert.equal(await revokeClient(rig.connection.db, other.id), true);
  await assertRefused(token);
  const again = await postForm(
    rig,
    '/oauth/token',
    { grant_type: 'client_credentials' },
    { authorization: basic(other) },
  );
  assert.equal(again.status, 401);
});

test('routes learn that a link is suspended or quarantined; a closed link refuses its clients', async () => {
  const { db } = rig.connection;
  const token = `Bearer ${await tokenOf(rig, client)}`;
  for (const state of ['suspended', 'quarantined', 'closing', 'pairing']) {
    await db.execute(sql`update links set state = ${state} where id = 'north'`);
    const reply = await whoami(rig, token);
    assert.equal(reply.status, 200);
    assert.equal(((await reply.json()) as { linkState: string }).linkState, state);
  }
  await db.execute(sql`update links set state = 'closed' where id = 'north'`);
  await assertRefused(token);
  assert.equal(
    (await postForm(rig, '/oauth/token', { grant_type: 'client_credentials' }, { authorization: basic(client) }))
      .status,
    401,
  );
  await db.execute(sql`update links set state = 'active' where id = 'north'`);
  assert.equal((await whoami(rig, token)).status, 200);
});

test('a client that is moved to another link, role or instance is refused with its old token', async () => {
  const { db } = rig.connection;
  const moved = await newClient(rig);
  const token = `Bearer ${await tokenOf(rig, moved)}`;
  for (const change of [sql`link = 'south'`, sql`role = 'customer'`, sql`instance = 'beta'`]) {
    await db.execute(sql`update clients set ${change} where id = ${moved.id}`);
    await assertRefused(token);
    await db.execute(
      sql`update clients set link = 'north', role = 'supplier', instance = 'acme' where id = ${moved.id}`,
    );
  }
  assert.equal((await whoami(rig, token)).status, 200);
});

test('headers that a proxy might set, and methods in headers, change nothing', async () => {
  const token = await tokenOf(rig, client);
  const claims = {
    'x-forwarded-for': '10.0.0.1',
    'x-forwarded-host': 'evil.example',
    forwarded: 'for=10.0.0.1;host=evil.example;proto=https',
    'client-cert': ':AAAA:',
    'x-http-method-override': 'DELETE',
    'x-original-url': '/oauth/token',
  };
  await assertRefused(null, claims);
  const reply = await whoami(rig, `Bearer ${token}`, claims);
  assert.deepEqual([reply.status, ((await reply.json()) as { link: string }).link], [200, 'north']);
});

test('an instance made after the gateway started signs and verifies within a moment', async () => {
  const { ensureKeys } = await import('#db/links/keys.ts');
  await ensureKeys(rig.connection.db, rig.seal, 'gamma');
  const late = await newClient(rig, { instance: 'gamma' });
  const token = await until(() => tokenOf(rig, late), { what: 'a token of the new instance' });
  assert.equal((await whoami(rig, `Bearer ${token}`)).status, 200);
});
