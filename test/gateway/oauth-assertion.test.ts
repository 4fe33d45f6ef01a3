// private_key_jwt: the requirements on an assertion, and what happens to all others; a client's keys and their key set.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { eq } from 'drizzle-orm';
import { loadClient } from '#db/links/clients.ts';
import { seeOnce } from '#db/links/seen-jtis.ts';
import { clients } from '#db/schema/clients.ts';
import { createClientKeys, KeysUnavailable } from '#gateway/oauth/client-keys.ts';
import { forge, grant, newClient, newKey, postForm, seconds, startRig } from './oauth-rig.ts';
import type { Rig, TestClient, TestKey } from './oauth-rig.ts';

const typ = 'client-authentication+jwt';
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const uri = 'https://peer.example/i/north/jwks.json';

let rig: Rig;
let key: TestKey;
let client: TestClient;
before(async () => {
  rig = await startRig({ addressOf: () => randomUUID() });
  key = await newKey();
  rig.keySet = () => ({ keys: [key.public] });
  client = await newClient(rig, { secretHashes: [], jwksUri: uri });
});
after(() => rig.close());

function claimsOf({ id }: TestClient = client): Record<string, unknown> {
  return { iss: id, sub: id, aud: rig.issuer, iat: seconds(), exp: seconds() + 60, jti: randomUUID() };
}

type Changes = {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly by?: TestKey;
  readonly form?: Readonly<Record<string, string>>;
};

async function send(assertion: string, form: Readonly<Record<string, string>> = {}): Promise<Response> {
  const all = { ...grant, client_assertion_type: assertionType, client_assertion: assertion, ...form };
  return postForm(rig, '/oauth/token', all);
}

async function ask({ claims = {}, header = {}, by = key, form = {} }: Changes = {}): Promise<Response> {
  const alg = by.public.kty === 'EC' ? 'ES256' : by.public.kty === 'RSA' ? 'RS256' : 'EdDSA';
  return send(await forge(rig, { ...claimsOf(), ...claims }, { alg, typ, ...header }, by), form);
}

async function assertRefused(reply: Response): Promise<void> {
  assert.deepEqual(
    [reply.status, await reply.json()],
    [401, { error: 'invalid_client', error_description: 'The client could not be authenticated.' }],
  );
}

test('an assertion for the issuer alone, of a minute, gives a token; a typ is not asked for, and a client_id may be', async () => {
  assert.equal((await ask()).status, 200);
  assert.equal((await ask({ header: { typ: undefined } })).status, 200);
  assert.equal((await ask({ header: { typ: `application/${typ}` } })).status, 200);
  assert.equal((await ask({ header: { alg: 'Ed25519' } })).status, 200);
  assert.equal((await ask({ header: { kid: undefined } })).status, 200, 'the one key that fits');
  assert.equal((await ask({ form: { client_id: client.id } })).status, 200);
});

const attacks: readonly (readonly [string, () => Changes])[] = [
  ['for the token endpoint', () => ({ claims: { aud: `${rig.url}/oauth/token` } })],
  ['for a list of the issuer and another', () => ({ claims: { aud: [rig.issuer, 'https://x.example'] } })],
  ['for a list of the issuer alone', () => ({ claims: { aud: [rig.issuer] } })],
  ['for another instance here', () => ({ claims: { aud: rig.issuer.replace('acme', 'beta') } })],
  ['for the issuer with a slash', () => ({ claims: { aud: `${rig.issuer}/` } })],
  ['for nobody', () => ({ claims: { aud: undefined } })],
  ['of an hour', () => ({ claims: { exp: seconds() + 3_600 } })],
  ['of 61 seconds', () => ({ claims: { exp: seconds() + 61 } })],
  ['that ends before it begins', () => ({ claims: { iat: seconds() + 30, exp: seconds() + 10 } })],
  ['without exp', () => ({ claims: { exp: undefined } })],
  ['without iat', () => ({ claims: { iat: undefined } })],
  ['without jti', () => ({ claims: { jti: undefined } })],
  ['with an empty jti', () => ({ claims: { jti: '' } })],
  ['with a jti that is a number', () => ({ claims: { jti: 7 } })],
  ['with a jti of a thousand characters', () => ({ claims: { jti: 'x'.repeat(1_000) } })],
  ['expired 2 minutes ago', () => ({ claims: { iat: seconds() - 180, exp: seconds() - 121 } })],
  ['of the future', () => ({ claims: { iat: seconds() + 120, exp: seconds() + 170 } })],
  ['not valid yet', () => ({ claims: { nbf: seconds() + 120 } })],
  ['by another issuer', () => ({ claims: { iss: 'https://x.example' } })],
  ['without iss', () => ({ claims: { iss: undefined } })],
  ['about another client', () => ({ claims: { sub: 'nobody' } })],
  ['of type JWT', () => ({ header: { typ: 'JWT' } })],
  ['of the type of an access token', () => ({ header: { typ: 'at+jwt' } })],
  ['of the type of a proof', () => ({ header: { typ: 'dpop+jwt' } })],
  ['with another client_id beside it', () => ({ form: { client_id: 'nobody' } })],
];
for (const [name, changes] of attacks)
  test(`an assertion ${name} is refused as invalid_client`, async () => assertRefused(await ask(changes())));

test('an assertion works once, also at another endpoint and when it is sent twenty times at once', async () => {
  const assertion = await forge(rig, claimsOf(), { typ }, key);
  const replies = await Promise.all(Array.from({ length: 20 }, () => send(assertion)));
  assert.equal(replies.filter(({ status }) => status === 200).length, 1);
  const form = { client_assertion_type: assertionType, client_assertion: assertion, token: 'x' };
  await assertRefused(await postForm(rig, '/oauth/revoke', form));
});

test('the same jti may be used by another client, and by the same one for something else', async () => {
  const other = await newClient(rig, { secretHashes: [], jwksUri: uri });
  const jti = randomUUID();
  assert.equal((await ask({ claims: { jti } })).status, 200);
  const assertion = await forge(rig, { ...claimsOf(other), jti }, { typ }, key);
  assert.equal((await send(assertion)).status, 200);
});

test('an assertion that was refused for something else does not use up its jti', async () => {
  const claims = { jti: randomUUID() };
  await assertRefused(await ask({ claims: { ...claims, aud: 'x' } }));
  assert.equal((await ask({ claims })).status, 200);
});

test("another client's key, the own key under another name, a forged header key, none and HMAC are refused", async () => {
  const other = await newKey();
  await newClient(rig, { secretHashes: [], jwks: { keys: [other.public] } });
  await assertRefused(await ask({ by: other }));
  await assertRefused(await ask({ by: { ...other, kid: key.kid } }));
  await assertRefused(await ask({ by: { ...other, kid: key.kid }, header: { jwk: other.public } }));
  await assertRefused(await ask({ by: { ...other, kid: key.kid }, header: { jku: 'https://evil.example/jwks' } }));
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  await assertRefused(await send(`${part({ alg: 'none', typ })}.${part(claimsOf())}.`));
  await assertRefused(await send(`${part({ alg: 'none', typ })}.${part(claimsOf())}.AAAA`));
  const secret = Buffer.from(JSON.stringify(key.public));
  await assertRefused(await send(await forge(rig, claimsOf(), { alg: 'HS256', typ }, { kid: key.kid, key: secret })));
  assert.ok(!rig.fetched.some((url) => url !== uri), 'nothing but the key set is fetched');
});

test('garbage in place of an assertion is refused, and the server keeps running', async () => {
  for (const text of ['x', '...', 'a.b.c', '\u0000', `${'a'.repeat(9_000)}.b.c`, '{}', 'eyJ9.eyJ9.eyJ9'])
    await assertRefused(await send(text));
  assert.equal((await ask()).status, 200);
});

test('a client with keys has no secret, and one with secrets no keys', async () => {
  const withSecret = await newClient(rig);
  const assertion = await forge(rig, claimsOf(withSecret), { typ }, key);
  await assertRefused(await send(assertion));
  await assertRefused(await postForm(rig, '/oauth/token', { ...grant, client_id: client.id, client_secret: 'x' }));
});

test('a client without a key set address proves itself with the keys that it was made with: EdDSA, ES256 or RS256', async () => {
  for (const alg of ['Ed25519', 'ES256', 'RS256']) {
    const own = await newKey(alg, alg);
    const local = await newClient(rig, { secretHashes: [], jwks: { keys: [{ ...own.public }] } });
    const name = alg === 'Ed25519' ? 'EdDSA' : alg;
    assert.equal((await send(await forge(rig, claimsOf(local), { alg: name, typ }, own))).status, 200, alg);
  }
});

test('an unknown key is looked for once in half a minute, however many assertions name one', async () => {
  const before = rig.fetched.length;
  const strangers = await Promise.all(Array.from({ length: 5 }, () => newKey()));
  for (const by of strangers) await assertRefused(await ask({ by }));
  assert.ok(rig.fetched.length - before <= 1, `${rig.fetched.length - before} fetches`);
});

test('a key that the client has added is found with the next look; one it has taken away stops with the next', async () => {
  const [old, next] = [key, await newKey()];
  rig.skew = 31;
  rig.keySet = () => ({ keys: [old.public, next.public] });
  const later = { iat: seconds() + 31, exp: seconds() + 60 };
  assert.equal((await ask({ by: next, claims: later })).status, 200);
  rig.keySet = () => ({ keys: [next.public] });
  rig.skew = 31 + 601;
  const muchLater = { iat: seconds() + 632, exp: seconds() + 660 };
  await assertRefused(await ask({ by: old, claims: muchLater }));
  assert.equal((await ask({ by: next, claims: muchLater })).status, 200);
  key = next;
  rig.skew = 0;
});

test('while the key set is down the last keys work and it is asked once in half a minute; without any the answer is 503', async () => {
  const { db } = rig.connection;
  const found = await loadClient(db, client.id);
  assert.ok(found !== null);
  let now = 0;
  let fetches = 0;
  let isUp = true;
  const fetchJson = async (): Promise<unknown> => {
    fetches += 1;
    if (!isUp) throw new Error('down');
    return { keys: [key.public] };
  };
  const keys = createClientKeys({ db, fetchJson, now: () => now });
  assert.equal((await keys.of(found))?.length, 1);
  isUp = false;
  for (now = 600_000; now < 720_000; now += 100) assert.equal((await keys.of(found))?.length, 1);
  assert.equal(fetches, 1 + 4);

  const restarted = createClientKeys({ db, fetchJson, now: () => now });
  const [kept] = await db.select().from(clients).where(eq(clients.id, client.id));
  assert.ok(kept !== undefined);
  assert.equal((await restarted.of(kept))?.length, 1, 'from the database');
  await assert.rejects(
    createClientKeys({ db, fetchJson, now: () => now }).of({ ...kept, jwks: null }),
    KeysUnavailable,
  );

  const day = 24 * 60 * 60_000;
  const read = { ...found, jwksReadAt: new Date(Date.now() - 2 * day).toISOString() };
  now += day - 60_000;
  assert.equal((await keys.of(read))?.length, 1, 'for nearly a day');
  now += 120_000;
  await assert.rejects(keys.of(read), KeysUnavailable);
  await assert.rejects(
    createClientKeys({ db, fetchJson, now: () => now }).of({
      ...kept,
      jwksReadAt: new Date(Date.now() - day).toISOString(),
    }),
    KeysUnavailable,
    'nor after a restart',
  );
  isUp = true;
  now += 30_000;
  assert.equal((await keys.of(read))?.length, 1, 'once it can be read again');

  rig.keySet = () => assert.fail('down');
  const fresh = await newClient(rig, { secretHashes: [], jwksUri: uri });
  const reply = await send(await forge(rig, claimsOf(fresh), { typ }, key));
  assert.deepEqual([reply.status, reply.headers.get('retry-after')], [503, '30']);
  rig.keySet = () => ({ keys: [key.public] });
});

test('a key set may hold anything: secrets, private parts, other types and no keys at all are passed over', async () => {
  const { db } = rig.connection;
  const found = await loadClient(db, client.id);
  assert.ok(found !== null);
  const pair = await newKey();
  const sets: readonly (readonly [unknown, number])[] = [
    [{ keys: [{ kty: 'oct', k: 'AAAA' }, 7, null, { ...pair.public, d: 'secret', use: 'enc' }] }, 0],
    [{ keys: [{ ...pair.public, d: 'secret' }] }, 1],
    [{ keys: [] }, 0],
  ];
  for (const [set, count] of sets) {
    const keys = await createClientKeys({ db, fetchJson: () => Promise.resolve(set) }).of({ ...found, jwks: null });
    assert.equal(keys?.length, count);
    assert.ok(!JSON.stringify(keys).includes('secret'));
  }
  for (const set of [null, [], 'x', {}, { keys: 'x' }])
    await assert.rejects(
      createClientKeys({ db, fetchJson: () => Promise.resolve(set) }).of({ ...found, jwks: null }),
      KeysUnavailable,
    );
});

test('what was seen is in the database, so that every process of the gateway refuses it; what is over is forgotten', async () => {
  const { db, sql } = rig.connection;
  const jti = randomUUID();
  assert.equal((await ask({ claims: { jti } })).status, 200);
  assert.equal(await seeOnce(db, client.id, 'assertion', jti, new Date(Date.now() + 60_000)), false);
  for (let at = 0; at < 50; at += 1) await seeOnce(db, 'old', 'proof', String(at), new Date(Date.now() - 3_600_000));
  for (let at = 0; at < 10; at += 1) await seeOnce(db, 'new', 'proof', String(at), new Date(Date.now() + 60_000));
  const [left] = await sql`select count(*)::int as count from seen_jtis where client = 'old'`;
  assert.ok(Number(left?.['count']) <= 10, `${left?.['count']} left`);
});
