// Tokens that are bound to a key (RFC 9449): each check of §4.3, replay, and what a link may require.
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { calculateJwkThumbprint, decodeJwt, exportJWK, SignJWT } from 'jose';
import type { JWTHeaderParameters } from 'jose';
import {
  basic,
  claimsFor,
  forge,
  grant,
  newClient,
  newKey,
  postForm,
  seconds,
  startRig,
  tokenOf,
  whoami,
} from './oauth-rig.ts';
import type { Rig, TestClient, TestKey } from './oauth-rig.ts';

let rig: Rig;
let client: TestClient;
let key: TestKey;
let token: string;
before(async () => {
  rig = await startRig({ addressOf: () => randomUUID() });
  client = await newClient(rig);
  key = await newKey();
  token = await tokenOf(rig, client, {
    dpop: await proof({ htm: 'POST', htu: `${rig.url}/oauth/token`, ath: undefined }),
  });
});
after(() => rig.close());

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Builds a proof for `GET /v1/whoami` with the bound token and the given changes; undefined omits a claim. */
async function proof(
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
  by: TestKey = key,
): Promise<string> {
  const jwk = { ...by.public };
  delete jwk.kid;
  const ath = token === undefined ? undefined : hashOf(token);
  const all = { jti: randomUUID(), htm: 'GET', htu: `${rig.url}/v1/whoami`, iat: seconds(), ath, ...claims };
  const protectedHeader = { alg: 'EdDSA', typ: 'dpop+jwt', jwk, ...header };
  return new SignJWT(all)
    .setProtectedHeader(JSON.parse(JSON.stringify(protectedHeader)) as JWTHeaderParameters)
    .sign(by.key);
}

async function assertRefused(dpop: string | null, authorization = `DPoP ${token}`): Promise<void> {
  const reply = await whoami(rig, authorization, dpop === null ? {} : { dpop });
  assert.deepEqual([reply.status, await reply.text()], [401, await (await whoami(rig, null)).text()]);
}

test('a token that is asked for with a proof is bound to its key, and works with a proof of that key', async () => {
  assert.deepEqual(decodeJwt(token)['cnf'], { jkt: await calculateJwkThumbprint(key.public, 'sha256') });
  assert.equal((await whoami(rig, `DPoP ${token}`, { dpop: await proof() })).status, 200);
  assert.equal((await whoami(rig, `dpop ${token}`, { dpop: await proof({}, { alg: 'Ed25519' }) })).status, 200);
  const query = await proof({ htu: `${rig.url}/v1/whoami?a=b#c` });
  assert.equal((await whoami(rig, `DPoP ${token}`, { dpop: query })).status, 200, 'query and fragment do not count');
  const capitals = await proof({ htu: `${rig.url.replace('http', 'HTTP')}/v1/../v1/whoami` });
  assert.equal(
    (await whoami(rig, `DPoP ${token}`, { dpop: capitals })).status,
    200,
    'another spelling of the same URL',
  );
});

test('the answer of the token endpoint says that the token is bound', async () => {
  const dpop = await proof({ htm: 'POST', htu: `${rig.url}/oauth/token`, ath: undefined });
  const reply = await postForm(rig, '/oauth/token', grant, { authorization: basic(client), dpop });
  assert.equal(((await reply.json()) as { token_type: string }).token_type, 'DPoP');
});

test('a path with an encoded name is proven as it was sent', async () => {
  const url = `${rig.url}/v1/whoami/a%20b%25c?x=1`;
  const dpop = await proof({ htu: url });
  assert.equal((await fetch(url, { headers: { authorization: `DPoP ${token}`, dpop } })).status, 200);
});

type Bad = () => Promise<string | null>;
const bad: readonly (readonly [string, Bad])[] = [
  ['1: no proof at all', () => Promise.resolve(null)],
  ['1: two proofs', async () => `${await proof()}, ${await proof()}`],
  ['2: no JWT', () => Promise.resolve('abc')],
  ['2: parts that are no JSON', () => Promise.resolve('aaaa.bbbb.cccc')],
  ['2: a proof of 9000 characters', async () => proof({ extra: 'x'.repeat(9_000) })],
  ['3: no jti', () => proof({ jti: undefined })],
  ['3: an empty jti', () => proof({ jti: '' })],
  ['3: a jti that is a number', () => proof({ jti: 7 })],
  ['3: no htm', () => proof({ htm: undefined })],
  ['3: no htu', () => proof({ htu: undefined })],
  ['3: no iat', () => proof({ iat: undefined })],
  ['3: iat as a text', () => proof({ iat: String(seconds()) })],
  ['4: typ JWT', () => proof({}, { typ: 'JWT' })],
  ['4: no typ', () => proof({}, { typ: undefined })],
  ['5: alg none', async () => unsigned()],
  ['5: HMAC with the public key', async () => hmac()],
  ['6: the signature of another key', async () => proof({}, { jwk: key.public }, await newKey())],
  ['6: changed claims', async () => changed()],
  ['6: no key in the header', () => proof({}, { jwk: undefined })],
  ['6: a key that is a text', () => proof({}, { jwk: 'abc' })],
  ['7: a private key in the header', async () => proof({}, { jwk: await exportJWK(key.key) })],
  ['8: another method', () => proof({ htm: 'POST' })],
  ['8: the method in small letters', () => proof({ htm: 'get' })],
  ['9: another path', () => proof({ htu: `${rig.url}/v1/whoami/x` })],
  ['9: another host', () => proof({ htu: 'https://evil.example/v1/whoami' })],
  ['9: another scheme', () => proof({ htu: `${rig.url.replace('http:', 'https:')}/v1/whoami` })],
  ['9: a path alone', () => proof({ htu: '/v1/whoami' })],
  ['11: made 61 seconds ago', () => proof({ iat: seconds() - 62 })],
  ['11: made in 61 seconds', () => proof({ iat: seconds() + 63 })],
  ['11: expired', () => proof({ exp: seconds() - 61 })],
  ['12: no hash of the token', () => proof({ ath: undefined })],
  ['12: the hash of another token', () => proof({ ath: hashOf('another') })],
  ['12: another key than the token is bound to', async () => proof({}, {}, await newKey())],
];
for (const [name, make] of bad)
  test(`a proof is refused like every other caller, check ${name}`, async () => assertRefused(await make()));

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

async function unsigned(): Promise<string> {
  const [, claims] = (await proof()).split('.');
  return `${part({ alg: 'none', typ: 'dpop+jwt', jwk: key.public })}.${claims}.`;
}

async function changed(): Promise<string> {
  const [head, , signature] = (await proof()).split('.');
  const [, claims] = (await proof()).split('.');
  return `${head}.${claims}.${signature}`;
}

async function hmac(): Promise<string> {
  const secret = { kty: 'oct', k: Buffer.alloc(32, 7).toString('base64url') };
  return new SignJWT(decodeJwt(await proof()))
    .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk: secret })
    .sign(Buffer.alloc(32, 7));
}

test('a proof works once: sent again, or twenty times at the same moment', async () => {
  const one = await proof();
  assert.equal((await whoami(rig, `DPoP ${token}`, { dpop: one })).status, 200);
  await assertRefused(one);
  const many = await proof();
  const replies = await Promise.all(Array.from({ length: 20 }, () => whoami(rig, `DPoP ${token}`, { dpop: many })));
  assert.equal(replies.filter(({ status }) => status === 200).length, 1);
});

test('a bound token is worthless without its proof, and a proof is worthless for a token that is not bound', async () => {
  await assertRefused(await proof(), `Bearer ${token}`);
  await assertRefused(null, `Bearer ${token}`);
  const plain = await tokenOf(rig, client);
  await assertRefused(await proof({ ath: hashOf(plain) }), `DPoP ${plain}`);
  assert.equal((await whoami(rig, `Bearer ${plain}`, { dpop: 'garbage' })).status, 200, 'a header nobody asked for');
});

test('a link may demand binding: without a proof no token, and tokens from before stop', async () => {
  const strict = await newClient(rig);
  const before = await tokenOf(rig, strict);
  assert.equal((await whoami(rig, `Bearer ${before}`)).status, 200);
  await rig.connection.db.execute(sql`update clients set dpop = 'required' where id = ${strict.id}`);
  await assertRefused(null, `Bearer ${before}`);
  const reply = await postForm(rig, '/oauth/token', grant, { authorization: basic(strict) });
  assert.deepEqual([reply.status, ((await reply.json()) as { error: string }).error], [400, 'invalid_dpop_proof']);
  const dpop = await proof({ htm: 'POST', htu: `${rig.url}/oauth/token` });
  assert.match(await tokenOf(rig, strict, { dpop }), /^ey/);
  await assertRefused(null, `Bearer ${await forge(rig, claimsFor(rig, strict))}`);
});

test('if binding is off, a proof is ignored', async () => {
  const plain = await newClient(rig, { dpop: 'off' });
  assert.equal(decodeJwt(await tokenOf(rig, plain, { dpop: 'garbage' }))['cnf'], undefined);
});

test('the token endpoint refuses proofs for another place, replayed ones and garbage as invalid_dpop_proof', async () => {
  const own = { htm: 'POST', htu: `${rig.url}/oauth/token`, ath: undefined };
  const used = await proof(own);
  await tokenOf(rig, client, { dpop: used });
  for (const dpop of [used, await proof(), await proof({ ...own, htm: 'GET' }), 'garbage', `${used}, ${used}`]) {
    const reply = await postForm(rig, '/oauth/token', grant, { authorization: basic(client), dpop });
    assert.deepEqual([reply.status, ((await reply.json()) as { error: string }).error], [400, 'invalid_dpop_proof']);
  }
});

test('ES256 keys can be used too', async () => {
  const es = await newKey('es', 'ES256');
  const thumbprint = await calculateJwkThumbprint(es.public, 'sha256');
  const bound = await forge(rig, { ...claimsFor(rig, client), cnf: { jkt: thumbprint } });
  const dpop = await proof({ ath: hashOf(bound) }, { alg: 'ES256' }, es);
  assert.equal((await whoami(rig, `DPoP ${bound}`, { dpop })).status, 200);
});

test('a jti may be anything: it is kept as a hash', async () => {
  for (const jti of ['\u0000', '\ud800', "' or 1=1 --", '💣', randomBytes(200).toString('hex')])
    assert.equal((await whoami(rig, `DPoP ${token}`, { dpop: await proof({ jti }) })).status, 200);
});
