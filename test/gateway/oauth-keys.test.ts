// Keys: published before they sign, there until nothing that they signed is looked at, changed without a failed request.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { decodeProtectedHeader } from 'jose';
import { ensureKeys, keepMs, publicKeys, publishMs, retireKey, rotateKey, signingKey } from '#db/links/keys.ts';
import type { KeyUse } from '#db/links/keys.ts';
import { createClientKeys } from '#gateway/oauth/client-keys.ts';
import { loadClient } from '#db/links/clients.ts';
import { createKeyRing } from '#gateway/oauth/key-ring.ts';
import { until } from '#test/support/wait.ts';
import { claimsFor, forge, newClient, startRig, tokenOf, whoami } from './oauth-rig.ts';
import type { Rig, TestClient } from './oauth-rig.ts';

let rig: Rig;
let client: TestClient;
before(async () => {
  rig = await startRig({ ring: { maxAgeMs: 100, missMs: 0 } });
  client = await newClient(rig);
});
after(() => rig.close());

async function publishedKids(): Promise<readonly string[]> {
  const reply = await fetch(`${rig.issuer}/jwks.json`);
  return ((await reply.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
}

function signer(use: KeyUse = 'token', instance = 'acme') {
  return signingKey(rig.connection.db, rig.open, instance, use);
}

test('the keys of an instance are made once, however many processes ask for them', async () => {
  const { db } = rig.connection;
  await Promise.all(Array.from({ length: 5 }, () => ensureKeys(db, rig.seal, 'delta')));
  const found = await publicKeys(db, 'delta');
  assert.equal(found.length, 3);
  await assert.rejects(signer('token', 'nobody'), /the instance nobody has no key of the use token/);
});

test('private keys are encrypted for their own row, cannot be read, and appear in no row', async () => {
  const { db } = rig.connection;
  const { key } = await signer();
  assert.equal(key.extractable, false);
  const text = JSON.stringify(await rig.connection.sql`select * from keys`);
  assert.ok(!text.includes('"d"'));
  await ensureKeys(db, rig.seal, 'swapped');
  await db.execute(sql`update keys set private = (select private from keys where instance = 'acme' and use = 'token' limit 1)
    where instance = 'swapped' and use = 'token'`);
  await assert.rejects(signer('token', 'swapped'), { code: 'wrong-context' });
});

test('by default a key is published for longer than others keep a key set, and kept until the last token is over', () => {
  assert.ok(publishMs >= 15 * 60_000);
  assert.ok(keepMs >= (5 + 10 + 1) * 60_000);
});

test('a rotated key is published at once and signs later; the old one verifies until it is taken away', async () => {
  const { db } = rig.connection;
  const old = await signer();
  const token = await tokenOf(rig, client);
  const next = await rotateKey(db, rig.seal, 'acme', 'token', { publishMs: 600, keepMs: 600 });
  assert.equal((await signer()).kid, old.kid);
  await until(async () => (await publishedKids()).includes(next.kid), { what: 'the new key in the key set' });
  await until(async () => decodeProtectedHeader(await tokenOf(rig, client)).kid === next.kid, {
    what: 'the new key to sign',
  });
  assert.equal((await whoami(rig, `Bearer ${token}`)).status, 200, 'a token of the old key');
  await until(async () => !(await publishedKids()).includes(old.kid), { what: 'the old key to leave the key set' });
  assert.equal((await whoami(rig, `Bearer ${token}`)).status, 401, 'a token of a key that is gone');
});

test('keys are rotated under load, several times and at two gateways, without one failed request', async () => {
  const { db } = rig.connection;
  // A second process, which verifies what the first one signs.
  const second = createKeyRing({ db, open: rig.open, maxAgeMs: 100, missMs: 0 });
  const kids = new Set<string | undefined>();
  let isOver = false;
  let requests = 0;
  const load = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const token = await tokenOf(rig, client);
      const { kid } = decodeProtectedHeader(token);
      kids.add(kid);
      const reply = await whoami(rig, `Bearer ${token}`);
      assert.equal(reply.status, 200);
      assert.notEqual(await second.verifying(String(kid)), null);
      requests += 2;
    }
  });
  try {
    for (let turn = 0; turn < 3; turn += 1) {
      const next = await rotateKey(db, rig.seal, 'acme', 'token', { publishMs: 300, keepMs: 1_500 });
      await Promise.race([until(() => kids.has(next.kid), { what: 'tokens of the new key' }), ...load]);
    }
  } finally {
    isOver = true;
  }
  await Promise.all(load);
  assert.ok(kids.size >= 4, `${kids.size} keys`);
  assert.ok(requests > 20, `${requests} requests`);
});

test("a peer's key set that is read in time knows each key before it signs", async () => {
  const { db } = rig.connection;
  const peer = await newClient(rig, { secretHashes: [], jwksUri: 'https://peer.example/jwks' });
  const row = await loadClient(db, peer.id);
  assert.ok(row !== null);
  const keys = createClientKeys({
    db,
    fetchJson: async () => ({ keys: await publicKeys(db, 'beta') }),
    maxAgeMs: 100,
    cooldownMs: 0,
  });
  const next = await rotateKey(db, rig.seal, 'beta', 'client', { publishMs: 2_000, keepMs: 2_000 });
  const seen = new Set<string>();
  const lookOnce = async (): Promise<boolean> => {
    const { kid } = await signer('client', 'beta');
    seen.add(kid);
    assert.ok(
      (await keys.of(row))?.some((key) => key.kid === kid),
      'the key that signs is among those known',
    );
    return seen.has(next.kid);
  };
  while (!(await lookOnce())) await sleep(20);
  assert.equal(seen.size, 2, 'both keys have signed');
});

test('a key that somebody else may have stops working at once; if it was the signing key, another takes over', async () => {
  const { db } = rig.connection;
  const old = await signer();
  const token = await tokenOf(rig, client);
  const next = await retireKey(db, rig.seal, old.kid);
  assert.ok(next !== null);
  assert.equal((await signer()).kid, next.kid);
  await until(async () => (await whoami(rig, `Bearer ${token}`)).status === 401, {
    what: 'the old key to be refused',
    timeoutMs: 10_000,
  });
  assert.equal((await whoami(rig, `Bearer ${await forge(rig, claimsFor(rig, client), {}, old)}`)).status, 401);
  assert.equal((await whoami(rig, `Bearer ${await tokenOf(rig, client)}`)).status, 200);
  assert.equal(await retireKey(db, rig.seal, old.kid), null);
  assert.equal(await retireKey(db, rig.seal, 'nothing'), null);
});

test('a provenance key stays in the key set when it is rotated, since what it signed is verified later', async () => {
  const { db } = rig.connection;
  const old = await signer('provenance');
  const next = await rotateKey(db, rig.seal, 'acme', 'provenance', { publishMs: 0, keepMs: 0 });
  assert.equal((await signer('provenance')).kid, next.kid);
  const kids = (await publicKeys(db, 'acme')).map(({ kid }) => kid);
  assert.ok(kids.includes(old.kid) && kids.includes(next.kid));
});

test('many unknown keys cost one look at the database in a quarter of a second', async () => {
  const { db } = rig.connection;
  let looks = 0;
  const counted = new Proxy(db, {
    get(target, name, receiver): unknown {
      if (name === 'execute') looks += 1;
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
  const ring = createKeyRing({ db: counted, open: rig.open });
  const from = performance.now();
  for (let at = 0; at < 500; at += 1) assert.equal(await ring.verifying(at.toString(16).padStart(16, '0')), null);
  const most = 2 + Math.ceil((performance.now() - from) / 250);
  assert.ok(looks <= most, `${looks} looks`);
});
