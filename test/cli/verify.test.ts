import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { signConstant } from '#protocols/ferry/provenance.ts';
import { canonicalConstant } from '#core/log/constant.ts';
import { ensureKeys, publicKeys, signingKey } from '#db/links/keys.ts';
import { rememberKey } from '#db/exchange/origin-keys.ts';
import { join, openGateway, type PairGateway } from '#test/gateway/pair-rig.ts';

let acme: PairGateway;
let northwind: PairGateway;
const mirror = '0000eeee-0000-7000-8000-000000000001';
const told = '0000eeee-0000-7000-8000-000000000002';
const relayed = '0000eeee-0000-7000-8000-000000000003';
const unsigned = '0000eeee-0000-7000-8000-000000000004';

before(async () => {
  [acme, northwind] = await Promise.all([openGateway('acme'), openGateway('northwind')]);
  await join(acme, northwind, 'proven');
  const { db } = acme.connection;
  await db.execute(sql`insert into mirrors (id, link, state, first_instance, first_ticket, second_instance, second_ticket)
    values (${mirror}, 'proven', 'open', 'acme', '1001', 'northwind-peer', 'NW-1')`);
  await db.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, note, words, hash, via)
    values (${mirror}, 'acme', '1001', '1', 'acme', '2026-03-01T09:00:00Z', '{"name":"Dana","role":"agent"}', 'desks', 'hidden', '<p>ours</p>', '{}', 'h', '{acme}')`);
  await db.execute(sql`insert into deliveries (mirror, to_instance, seq, kind, action, outcome, sent_hash)
    values (${mirror}, 'northwind-peer', 1, 'action', ${mirror}, 'applied', ${'ab'.repeat(32)})`);
  await receive(told, northwind.issuer, 'northwind-peer', null, [northwind.issuer]);
  await receive(relayed, 'https://far.example/i/third', 'https://far.example/i/third', 'proven', [
    'https://far.example/i/third',
    northwind.issuer,
  ]);
  await receive(unsigned, northwind.issuer, 'northwind-peer', null, [northwind.issuer], false);
});
after(async () => {
  await Promise.all([acme?.close(), northwind?.close()]);
});

/** An action as receiving stores one. */
async function receive(
  id: string,
  issuer: string,
  origin: string,
  vouchedBy: string | null,
  via: string[],
  isSigned = true,
): Promise<void> {
  const { db } = acme.connection;
  const signer = issuer === northwind.issuer ? 'northwind' : 'third';
  await ensureKeys(northwind.connection.db, northwind.seal, signer);
  const key = await signingKey(northwind.connection.db, northwind.open, signer, 'provenance');
  const jwk = (await publicKeys(northwind.connection.db, signer)).find(({ kid }) => kid === key.kid) ?? {};
  const constant = {
    id,
    origin: issuer,
    author: { name: 'Lena', email: 'lena@northwind.example', role: 'agent' },
    at: '2026-03-01T09:05:00.120Z',
    audience: 'desks',
    note: '<p>What Lena <b>said</b></p>',
    attachments: [],
  } as const;
  const text = canonicalConstant(constant);
  await rememberKey(db, issuer, key.kid, jwk, vouchedBy);
  await db.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, note, words, hash, via, signed, signature)
    values (${id}, 'northwind-peer', 'NW-1', ${id}, ${origin}, ${constant.at}, ${JSON.stringify(constant.author)}::jsonb, 'desks', 'visible', ${constant.note}, '{}',
      ${createHash('sha256').update(text).digest('hex')}, array(select jsonb_array_elements_text(${JSON.stringify(via)}::jsonb)), ${text},
      ${isSigned ? await signConstant(text, issuer, key) : null})`);
}

test('every action of a ticket is proven by its origin’s signature: who, where, by which way, who vouched for the key', async () => {
  const { code, out, err } = await acme.ferry('verify', 'acme', '1001');
  assert.equal(code, 0, out + err);
  const lines = out.split('\n');
  assert.match(lines[0] ?? '', new RegExp(`^· 2026-03-01T09:00:00.000Z {2}Dana at ${acme.issuer}`));
  assert.match(lines[1] ?? '', /written here; signed when it left \(abababababab\)/);
  assert.match(
    out,
    new RegExp(
      `✓ 2026-03-01T09:05:00.120Z {2}Lena at ${northwind.issuer}\n {4}signed by its origin, key [0-9a-f]{16}, which is in the origin's own key set; the origin still publishes it`,
    ),
  );
  assert.match(
    out,
    new RegExp(
      `✓ .*Lena at https://far.example/i/third, via ${northwind.issuer}\n {4}.* for which the link proven vouched; the origin could not be asked`,
    ),
  );
  assert.match(out, /· .*\n {4}not signed; only the sender vouches for it/);
  assert.match(out, /4 actions: 2 proven by their origins' signatures\.\n$/);
});

test('proofs hold offline, although the origin is gone', async () => {
  northwind.intercept = () => {
    throw new Error('asked although offline');
  };
  const { code, out } = await acme.ferry('verify', 'acme', '1001', '--offline', '--json');
  northwind.intercept = null;
  assert.equal(code, 0);
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; verdict: string; published: string | null });
  assert.deepEqual(lines.map(({ verdict }) => verdict).toSorted(), ['holds', 'holds', 'own', 'unsigned']);
  assert.ok(lines.every(({ published }) => published === null));
});

const tampered: readonly [string, ReturnType<typeof sql>, RegExp][] = [
  ['the note', sql`note = '<p>What Lena never said</p>'`, /stored note differs from the signed one/],
  ['the author', sql`author = jsonb_set(author, '{name}', '"Eve"')`, /stored author differs/],
  ['the time', sql`at = at + interval '1 ms'`, /stored time differs/],
  ['the audience', sql`audience = 'user'`, /stored audience differs/],
  ['the origin', sql`origin = 'https://far.example/i/third'`, /stored origin differs/],
  ['the files', sql`attachments = '[{"id":"a","sha256":"00"}]'`, /stored list of files differs/],
  ['the signed text', sql`signed = replace(signed, 'Lena', 'Eve')`, /differs from the text that was hashed/],
  [
    'the signed text and its hash',
    sql`signed = replace(signed, 'said', 'paid'), note = replace(note, 'said', 'paid'), hash = encode(sha256(convert_to(replace(signed, 'said', 'paid'), 'UTF8')), 'hex')`,
    /The key .* did not make the signature/,
  ],
  [
    'the signature',
    sql`signature = (select signature from actions where id = ${relayed})`,
    /signed by https:\/\/far\.example\/i\/third, not by its origin/,
  ],
  ['the signature by nonsense', sql`signature = 'e30..AA'`, /stored signature is not a signature/],
];
for (const [what, change, why] of tampered)
  test(`a changed row does not hold: ${what}`, async () => {
    const { db } = acme.connection;
    await db.execute(sql`create table kept as select * from actions where id = ${told}`);
    await db.execute(sql`update actions set ${change} where id = ${told}`);
    const ran = await acme.ferry('verify', 'acme', '1001', '--offline');
    await db.execute(sql`delete from actions where id = ${told}`);
    await db.execute(sql`insert into actions select * from kept`);
    await db.execute(sql`drop table kept`);
    assert.equal(ran.code, 1, ran.out);
    assert.match(ran.out, why);
    assert.match(ran.out, /1 changed since they were signed\./);
  });

test('another key under the same name proves nothing, and a key that is not kept neither', async () => {
  const { db } = acme.connection;
  await db.execute(sql`create table kept_keys as select * from origin_keys`);
  await db.execute(
    sql`update origin_keys set key = jsonb_set(key, '{x}', to_jsonb('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'::text)) where origin = ${northwind.issuer}`,
  );
  const other = await acme.ferry('verify', 'acme', '1001', '--offline');
  await db.execute(sql`delete from origin_keys`);
  const none = await acme.ferry('verify', 'acme', '1001', '--offline');
  await db.execute(sql`insert into origin_keys select * from kept_keys`);
  assert.equal(other.code, 1);
  assert.match(other.out, /did not make the signature/);
  assert.equal(none.code, 1);
  assert.match(none.out, /is not stored here/);
});

test('a ticket of which nothing is kept is not a proof', async () => {
  const ran = await acme.ferry('verify', 'acme', '4711');
  assert.equal(ran.code, 1);
  assert.match(ran.err, /nothing is stored of ticket "4711" of acme/);
  assert.equal((await acme.ferry('verify', 'acmee', '1001')).code, 1);
});
