import assert from 'node:assert/strict';
import { generateKeyPair, SignJWT } from 'jose';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { signPairingProof } from '#protocols/ferry/pairing.ts';
import { checkPeerUrl } from '#protocols/ferry/peer-url.ts';
import { ensureKeys, signingKey } from '#db/links/keys.ts';
import { makePairingCode, pairingHash, readPairingCode, type PairingCode } from '#db/links/pairing-code.ts';
import { createInvitation } from '#db/links/pairings.ts';
import { openGateway, type PairGateway } from './pair-rig.ts';

let acme: PairGateway;
let northwind: PairGateway;
before(async () => {
  [acme, northwind] = await Promise.all([openGateway('acme'), openGateway('northwind')]);
  await ensureKeys(northwind.connection.db, northwind.seal, 'northwind');
});
after(async () => {
  await Promise.all([acme?.close(), northwind?.close()]);
});

let links = 0;

async function invited(): Promise<{ secret: string; link: string; id: string }> {
  links += 1;
  const link = `link-${links}`;
  const { code, hash } = makePairingCode(acme.issuer, 'customer');
  const invitation = { link, side: 'customer', instance: 'acme', name: null, contact: null, by: 'test' } as const;
  const { id } = await createInvitation(acme.connection.db, { ...invitation, codeHash: hash });
  return { secret: understood(code).secret, link, id };
}

async function bodyFor(secret: string, change: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const { db } = northwind.connection;
  const { kid, key } = await signingKey(db, northwind.open, 'northwind', 'client');
  const proof = { kid, key, issuer: northwind.issuer, audience: acme.issuer, codeHash: pairingHash(secret) };
  return {
    code: secret,
    issuer: northwind.issuer,
    name: 'Northwind',
    link: 'acme-northwind',
    side: 'supplier',
    clientId: 'acme-client',
    wireVersion: 1,
    proof: await signPairingProof(proof),
    ...change,
  };
}

function post(body: unknown): Promise<Response> {
  return fetch(`${acme.url}/v1/pairing`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** Everything in an answer by which somebody could distinguish two of them. */
async function seen(answer: Response): Promise<unknown> {
  const headers = [...answer.headers].filter(([name]) => name !== 'date');
  return { status: answer.status, headers, body: await answer.text() };
}

const typeOf = async (answer: Response): Promise<string> =>
  ((await answer.json()) as { type: string }).type.replace('urn:ferry:problem:', '');

test('a reused, an expired and an unknown code get one and the same answer', async () => {
  const used = await invited();
  assert.equal((await post(await bodyFor(used.secret))).status, 200);
  const expired = await invited();
  await acme.connection.db.execute(
    sql`update pairings set expires_at = now() - interval '1 second' where id = ${expired.id}`,
  );
  const replaced = await invited();
  links -= 1;
  await invited();
  const answers = [];
  for (const secret of [used.secret, expired.secret, replaced.secret, 'A'.repeat(27)])
    answers.push(await seen(await post(await bodyFor(secret, { clientId: 'another-client' }))));
  assert.equal((answers[0] as { status: number }).status, 410);
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
});

test('of fifteen who hand in the same code at once one is paired', async () => {
  const { secret, link } = await invited();
  const bodies = await Promise.all(
    Array.from({ length: 15 }, (_, at) => bodyFor(secret, { clientId: `client-${at}` })),
  );
  const statuses = await Promise.all(bodies.map(async (body) => (await post(body)).status));
  assert.equal(statuses.filter((status) => status === 200).length, 1, statuses.join());
  assert.ok(statuses.every((status) => status === 200 || status === 410));
  const [row] = await acme.rows(sql`select count(*)::int as n from clients where link = ${link}`);
  assert.equal(row?.['n'], 1);
});

test('possession of the code allows nobody to pair in another gateway’s name', async () => {
  const { secret, link } = await invited();
  const stranger = await generateKeyPair('Ed25519', { extractable: true });
  const claims = (issuer: string, audience: string, code: string): Promise<string> =>
    new SignJWT({ code })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'ferry-pairing+jwt', kid: 'x' })
      .setIssuer(issuer)
      .setAudience(audience)
      .sign(stranger.privateKey);
  const { db } = northwind.connection;
  const own = await signingKey(db, northwind.open, 'northwind', 'client');
  const proofs = [
    await claims(northwind.issuer, acme.issuer, pairingHash(secret)),
    await signPairingProof({
      ...own,
      issuer: northwind.issuer,
      audience: 'https://other.example/i/acme',
      codeHash: pairingHash(secret),
    }),
    await signPairingProof({
      ...own,
      issuer: northwind.issuer,
      audience: acme.issuer,
      codeHash: pairingHash('another'),
    }),
    await signPairingProof({
      ...own,
      issuer: 'https://other.example/i/x',
      audience: acme.issuer,
      codeHash: pairingHash(secret),
    }),
    'e30.e30.AA',
  ];
  const answers = [];
  for (const proof of proofs) answers.push(await seen(await post(await bodyFor(secret, { proof }))));
  assert.equal((answers[0] as { status: number }).status, 403);
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  assert.deepEqual([...(await acme.rows(sql`select id from links where id = ${link}`))], []);
  // The code is still good for the one it was made for.
  assert.equal((await post(await bodyFor(secret))).status, 200);
});

test('URLs that may not be called are refused before anybody is asked, with 422', async () => {
  const { secret } = await invited();
  const strict = await openGateway('strict', { allow: ['127.0.0.1/32'] });
  try {
    for (const issuer of [
      'http://10.1.2.3/i/x',
      'https://user:word@example.com/i/x',
      'http://169.254.169.254/i/x',
      'http://[::1]/i/x',
      'http://0x0a.1/i/x',
      'https://192.168.1.1:22/i/x',
    ]) {
      const answer = await post(await bodyFor(secret, { issuer }));
      assert.equal(answer.status, 422, issuer);
      assert.equal(await typeOf(answer), 'url-not-allowed', issuer);
    }
    const far = `https://example.com/${'x'.repeat(3_000)}/i/x`;
    assert.equal((await post(await bodyFor(secret, { issuer: far }))).status, 422);
    assert.equal((await post(await bodyFor(secret, { issuer: 'file:///etc/passwd' }))).status, 422);
  } finally {
    await strict.close();
  }
  const closed = await post(await bodyFor(secret, { issuer: 'http://127.0.0.1:9/i/x' }));
  assert.equal(closed.status, 422);
  assert.equal(await typeOf(closed), 'peer-unreachable');
  northwind.intercept = (c) =>
    c.req.path.startsWith('/.well-known/') ? c.json({ issuer: 'https://evil.example/i/x' }) : undefined;
  const lies = await post(await bodyFor(secret));
  northwind.intercept = null;
  assert.equal(lies.status, 422);
  assert.equal(await typeOf(lies), 'issuer-mismatch');
});

test('every spelling of a private address is refused, by name too, and plain http unless configured', async () => {
  const names: Record<string, string[]> = {
    localhost: ['127.0.0.1'],
    '10.0.0.1.nip.example': ['10.0.0.1'],
    'mixed.example': ['93.184.216.34', '192.168.0.1'],
    'public.example': ['93.184.216.34'],
    'inside.example': ['10.9.0.1'],
  };
  const options = { allowAddresses: ['10.9.0.0/16'], resolve: (host: string) => Promise.resolve(names[host] ?? []) };
  const refused = [
    ...[
      '127.0.0.1',
      'localhost',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '127.1',
      '0.0.0.0',
      '[::1]',
      '[::]',
      '[::ffff:7f00:1]',
      '127.0.0.1.',
      '①②⑦.⓪.⓪.①',
      '169.254.169.254',
      '10.0.0.1.nip.example',
      'mixed.example',
    ].map((host) => `https://${host}/i/x`),
    'https://good@public.example/i/x',
    'file:///i/x',
    'https://public.example:22/i/x',
    'http://public.example/i/x',
    `https://public.example/${'x'.repeat(3_000)}`,
    'https://public.example/i/x?a=1',
    'nothing',
  ];
  for (const url of refused)
    await assert.rejects(
      checkPeerUrl(url, options),
      (error: { code?: string }) => error.code === 'url-not-allowed',
      url,
    );
  for (const url of ['https://public.example/i/x', 'https://public.example:8443/i/x', 'http://inside.example:9000/i/x'])
    assert.equal(await checkPeerUrl(url, options), url);
  await assert.rejects(checkPeerUrl('https://unknown.example/i/x', options), { code: 'name-not-found' });
});

test('both sides cannot be the same, and nobody pairs with themselves', async () => {
  const { secret } = await invited();
  assert.equal(await typeOf(await post(await bodyFor(secret, { side: 'customer' }))), 'same-side');
  assert.equal(await typeOf(await post(await bodyFor(secret, { issuer: acme.issuer }))), 'wrong-peer');
});

test('bodies that are no request to pair are refused and change nothing', async () => {
  for (const body of [{}, [], null, 'x', { code: 'short' }, { ...(await bodyFor('A'.repeat(27))), name: '' }]) {
    const answer = await post(body);
    assert.equal(answer.status, 422);
  }
  const huge = await post({ padding: 'x'.repeat(20_000) });
  assert.equal(huge.status, 413);
});

test('after twenty wrong codes an address waits; a thousand guesses find nothing, and keep nobody away who has the code', async () => {
  const { secret } = await invited();
  const other = await openGateway('guessed');
  try {
    const { code, hash } = makePairingCode(other.issuer, 'customer');
    const invitation = {
      link: 'guessed',
      side: 'customer',
      instance: 'guessed',
      name: null,
      contact: null,
      by: 'test',
    } as const;
    await createInvitation(other.connection.db, { ...invitation, codeHash: hash });
    const guess = (body: unknown): Promise<Response> =>
      fetch(`${other.url}/v1/pairing`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const body = await bodyFor(secret);
    const counts = new Map<number, number>();
    for (let at = 0; at < 1_000; at += 1) {
      const answer = await guess({ ...body, code: `${'B'.repeat(23)}${String(at).padStart(4, '0')}` });
      counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
      await answer.arrayBuffer();
    }
    assert.deepEqual(
      [...counts],
      [
        [410, 20],
        [429, 980],
      ],
    );
    const right = await guess({ ...body, code: understood(code).secret });
    // It is let in to the next check, of the proof, which here belongs to another code.
    assert.equal(right.status, 403);
    assert.match(await right.text(), /urn:ferry:problem:wrong-peer/);
    const wrong = await guess({ ...body, code: 'C'.repeat(27) });
    assert.equal(wrong.status, 429);
    assert.ok(Number(wrong.headers.get('retry-after')) > 0);
  } finally {
    await other.close();
  }
});

test('a code survives being wrapped by a mail program, and nothing else is taken for one', () => {
  const { code } = makePairingCode('https://gw.example/ferry/i/acme', 'supplier');
  const wrapped = `${code.slice(0, 20)}\n  ${code.slice(20)} `;
  assert.deepEqual(readPairingCode(wrapped), readPairingCode(code));
  assert.deepEqual(
    { ...understood(code), secret: '' },
    { secret: '', issuer: 'https://gw.example/ferry/i/acme', side: 'supplier' },
  );
  for (const text of ['', code.replace('ferry_', ''), 'ferry_' + 'A'.repeat(5_000)])
    assert.equal(readPairingCode(text), null, text.slice(0, 40));
});

test('a code with any letter missing, changed, added or in another place is noticed as damaged', () => {
  const { code } = makePairingCode('https://gw.example/ferry/i/acme', 'supplier');
  const start = 'ferry_'.length;
  for (const text of ['ferry_', 'ferry_AAAA', `${code}!`, `${code}x`, `${code}xyz`, `${code}A`, `${code}=`])
    assert.equal(readPairingCode(text), 'damaged', text);
  for (let at = start; at < code.length; at += 1) {
    const other = code.charAt(at) === 'x' ? 'y' : 'x';
    for (const text of [code.slice(0, at) + code.slice(at + 1), code.slice(0, at) + other + code.slice(at + 1)])
      assert.equal(readPairingCode(text), 'damaged', text);
    assert.equal(readPairingCode(`${code.slice(0, at)}x${code.slice(at)}`), 'damaged');
    const [one, next] = [code.charAt(at), code.charAt(at + 1)];
    if (next !== '' && one !== next)
      assert.equal(readPairingCode(code.slice(0, at) + next + one + code.slice(at + 2)), 'damaged');
  }
  assert.equal(readPairingCode(code.slice(0, -8)), 'damaged');
});

function understood(code: string): PairingCode {
  const read = readPairingCode(code);
  if (read === null || read === 'damaged') throw new Error('this is a code');
  return read;
}
