import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { beginHere } from '#db/links/identity.ts';
import { publicKeys } from '#db/links/keys.ts';
import { join, openGateway, type PairGateway } from '#test/gateway/pair-rig.ts';

let acme: PairGateway;
let northwind: PairGateway;
before(async () => {
  [acme, northwind] = await Promise.all([openGateway('acme'), openGateway('northwind')]);
});
after(async () => {
  await Promise.all([acme?.close(), northwind?.close()]);
});

const stateOf = async (gateway: PairGateway, link: string): Promise<unknown> =>
  (await gateway.rows(sql`select state from links where id = ${link}`))[0]?.['state'];

/** A mirror at the customer with `sent` deliveries that the peer has confirmed, and one that waits. */
async function plantLane(link: string, mirror: string, sent: number, acked = sent): Promise<void> {
  const { db } = acme.connection;
  await db.execute(sql`insert into mirrors (id, link, state, first_instance, first_ticket, first_number, second_instance, second_ticket)
    values (${mirror}, ${link}, 'open', 'acme', ${mirror.slice(-4)}, ${`#${mirror.slice(-4)}`}, 'northwind-peer', ${`there ${mirror}`})`);
  await db.execute(sql`insert into lanes (mirror, to_instance, link, last_seq, head_seq, sent_seq, acked_seq, due_at)
    values (${mirror}, 'northwind-peer', ${link}, ${sent + 1}, ${sent + 1}, ${acked}, ${acked}, 'infinity')`);
  await db.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, words, hash, via)
    select (left(${mirror}, 9) || '0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'acme', ${mirror.slice(-4)}, n::text, 'acme', now(),
      '{"name":"D","role":"agent"}', 'desks', 'hidden', '{"kind":null,"fields":{}}', 'h', '{}' from generate_series(1, ${sent + 1}) n`);
  await db.execute(sql`insert into deliveries (mirror, to_instance, seq, kind, action, accepted_at, outcome)
    select ${mirror}, 'northwind-peer', external_id::int, 'action', id,
      case when external_id::int <= ${acked} then now() end, case when external_id::int <= ${acked} then 'applied' end
    from actions where ticket = ${mirror.slice(-4)}`);
}

test('a peer that was restored is sent again what it lost, after somebody has seen what differs', async () => {
  await join(acme, northwind, 'restored');
  const [lost, whole] = ['0000aaaa-0000-7000-8000-000000001111', '0000bbbb-0000-7000-8000-000000002222'];
  await plantLane('restored', lost, 5);
  await plantLane('restored', whole, 2);
  northwind.lanes.set(lost, 3).set(whole, 2);
  await acme.connection.db.execute(sql`update links set state = 'quarantined' where id = 'restored'`);

  const looked = await acme.ferry('link', 'resume', 'restored', '--dry-run');
  assert.equal(looked.code, 0, looked.err);
  assert.match(
    looked.out,
    /1 lane differs:\n {2}#1111: the other side has only 3 of the 5 that it had accepted; the rest will be sent again\./,
  );
  assert.equal(await stateOf(acme, 'restored'), 'quarantined');

  const resumed = await acme.ferry('link', 'resume', 'restored');
  assert.equal(resumed.code, 0, resumed.err);
  assert.match(resumed.out, /2 deliveries are sent again\./);
  assert.equal(await stateOf(acme, 'restored'), 'active');
  const waiting = await acme.rows(
    sql`select seq::int as seq from deliveries where mirror = ${lost} and outcome is null and accepted_at is null order by seq`,
  );
  assert.deepEqual(
    waiting.map(({ seq }) => seq),
    [4, 5, 6],
  );
  const [lane] = await acme.rows(
    sql`select sent_seq::int as sent, acked_seq::int as acked, head_seq::int as head, due_at <= now() as due from lanes where mirror = ${lost}`,
  );
  assert.deepEqual(lane, { sent: 3, acked: 3, head: 4, due: true });
  const [link] = await acme.rows(sql`select resumed_at is not null as resumed from links where id = 'restored'`);
  assert.equal(link?.['resumed'], true);
  northwind.lanes.clear();
});

test('a gateway that was restored itself continues after what the peer has, and names what only the peer knows', async () => {
  await join(acme, northwind, 'we-were-restored');
  const [behind, unknown] = ['0000cccc-0000-7000-8000-000000003333', '0000dddd-0000-7000-8000-000000004444'];
  await plantLane('we-were-restored', behind, 4, 2);
  northwind.lanes.set(behind, 4).set(unknown, 1);
  await acme.connection.db.execute(sql`update links set state = 'quarantined' where id = 'we-were-restored'`);
  const resumed = await acme.ferry('link', 'resume', 'we-were-restored');
  assert.equal(resumed.code, 0, resumed.err);
  assert.match(resumed.out, /#3333: the other side has 4, this side remembers 2/);
  assert.match(resumed.out, new RegExp(`mirror ${unknown}: only the other side has it`));
  // The peer recognises what it already has; nobody here can tell.
  const rows = await acme.rows(
    sql`select d.seq::int as seq, a.external_id::int as nth, d.outcome from deliveries d join actions a on a.id = d.action
      where d.mirror = ${behind} and d.outcome is null order by d.seq`,
  );
  assert.deepEqual(
    [...rows],
    [
      { seq: 6, nth: 3, outcome: null },
      { seq: 7, nth: 4, outcome: null },
      { seq: 8, nth: 5, outcome: null },
    ],
  );
  const [lane] = await acme.rows(
    sql`select sent_seq::int as sent, acked_seq::int as acked, head_seq::int as head, last_seq::int as last from lanes where mirror = ${behind}`,
  );
  assert.deepEqual(lane, { sent: 4, acked: 4, head: 6, last: 8 });
  northwind.lanes.clear();
});

test('a peer that can not be asked leaves the link in quarantine, and whom to call is named', async () => {
  await join(acme, northwind, 'silent');
  await acme.connection.db.execute(sql`update links set state = 'quarantined' where id = 'silent'`);
  northwind.intercept = () => new Response('down', { status: 503 });
  const ran = await acme.ferry('link', 'resume', 'silent');
  northwind.intercept = null;
  assert.equal(ran.code, 69, ran.out + ran.err);
  assert.match(ran.err, /nothing was changed.*On duty there: Duty at northwind \+49 30 1\. \[peer-unreachable\]/);
  assert.equal(await stateOf(acme, 'silent'), 'quarantined');
});

test('ending a link ends its other half, which tells its own desk', async () => {
  await join(acme, northwind, 'ending');
  const closed = await acme.ferry('link', 'close', 'ending', '--because', 'Merger.');
  assert.equal(closed.code, 0, closed.err);
  assert.match(closed.out, /The other side has ended its half\./);
  assert.equal(await stateOf(acme, 'ending'), 'closed');
  assert.equal(await stateOf(northwind, 'ending'), 'closed');
  const [audit] = await northwind.rows(sql`select by from audit where what = 'close' and subject = 'links/ending'`);
  assert.match(String(audit?.['by']), /^the other side \(ending-acme\)$/);
});

test('a link ends although the other gateway is away, and reports that it could not be told', async () => {
  await join(acme, northwind, 'alone');
  northwind.intercept = () => new Response('down', { status: 503 });
  const closed = await acme.ferry('link', 'close', 'alone');
  northwind.intercept = null;
  assert.equal(closed.code, 0);
  assert.match(closed.err, /could not be notified .*Contact its operators: Duty at northwind/);
  assert.equal(await stateOf(acme, 'alone'), 'closed');
});

test('a key is rotated with overlap: published at once, signing later, the old one still there', async () => {
  await join(acme, northwind, 'rotating');
  const before = await acme.rows(sql`select kid from keys where instance = 'acme' and use = 'client'`);
  const ran = await acme.ferry('link', 'rotate', 'rotating');
  assert.equal(ran.code, 0, ran.err);
  assert.match(ran.out, /acme client: key [0-9a-f]{16} is published now and signs in 15 minutes/);
  const kid = /key ([0-9a-f]{16})/.exec(ran.out)?.[1];
  const published = await publicKeys(acme.connection.db, 'acme');
  for (const one of [kid, before[0]?.['kid']]) assert.ok(published.some((key) => key['kid'] === one));
  const now =
    await acme.rows(sql`select kid, signs_from > now() as later, retires_at > now() + interval '20 minutes' as overlaps from keys
    where instance = 'acme' and use = 'client' order by signs_from`);
  assert.equal(now.length, before.length + 1);
  assert.equal(now.at(-1)?.['later'], true);
  assert.equal(now[0]?.['overlaps'], true);
  const all = await acme.ferry('key', 'rotate', 'acme', '--use', 'provenance');
  assert.match(all.out, /acme provenance: .*stays published, for verification/);
  assert.equal((await acme.ferry('key', 'rotate', 'acme', '--use', 'door')).code, 64);
});

test('a restored or cloned database starts with its links in quarantine', async () => {
  const begin = async (db: typeof acme.connection.db): Promise<readonly string[]> =>
    (await beginHere(db, { publicUrl: acme.url, testimonies: () => Promise.resolve([]) })).quarantined;
  await join(acme, northwind, 'cloned');
  assert.deepEqual(await begin(acme.connection.db), []);
  assert.deepEqual(await begin(acme.connection.db), []);
  await acme.connection.db.execute(sql`update gateway set fingerprint = 'of the one that was dumped'`);
  const quarantined = await begin(acme.connection.db);
  assert.ok(quarantined.includes('cloned'));
  assert.deepEqual(await begin(acme.connection.db), [], 'told once');
  const status = await acme.ferry('link', 'status', 'cloned');
  assert.match(status.out, /^cloned: quarantined$/m);
  assert.match(status.out, /This gateway's database was restored or cloned: its identity has changed/);
});

test('an API client gets its own link, a secret that is shown once and a second one beside it, and is revoked at once', async () => {
  const added = await acme.ferry(
    'client',
    'add',
    'tool-link',
    '--as',
    'customer',
    '--instance',
    'acme',
    '--name',
    'Portal',
    '--json',
  );
  assert.equal(added.code, 0, added.err);
  const { client, secret, token } = JSON.parse(added.out) as { client: string; secret: string; token: string };
  const ask = async (with_: string): Promise<number> => {
    const answer = await fetch(token, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${client}:${with_}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    return answer.status;
  };
  assert.equal(await ask(secret), 200);
  const [made] =
    await acme.rows(sql`select l.state, i.type, i.name, i.url, s.side from links l join sides s on s.link = l.id
    join instances i on i.id = s.instance where l.id = 'tool-link' and i.type = 'api'`);
  assert.deepEqual(made, {
    state: 'active',
    type: 'api',
    name: 'Portal',
    url: `${acme.url}/i/tool-link-tool`,
    side: 'customer',
  });
  const [stored] = await acme.rows(sql`select row_to_json(c)::text as text from clients c where id = ${client}`);
  assert.ok(!String(stored?.['text']).includes(secret));

  const rotated = await acme.ferry('client', 'rotate', client);
  const second = /client_secret +(\S+)/.exec(rotated.out)?.[1] ?? '';
  assert.equal(await ask(second), 200);
  assert.equal(await ask(secret), 200, 'the old one works for another day');
  await acme.connection.db
    .execute(sql`update clients set secrets = (select jsonb_agg(case when s->>'expiresAt' is null then s
    else jsonb_set(s, '{expiresAt}', '"2020-01-01T00:00:00Z"') end) from jsonb_array_elements(secrets) s) where id = ${client}`);
  assert.equal(await ask(secret), 401);

  const more = await acme.ferry('client', 'add', 'tool-link', '--json');
  assert.equal(more.code, 0, more.err);
  assert.equal((await acme.ferry('client', 'revoke', client)).code, 0);
  assert.equal(await ask(second), 401);
  assert.equal((await acme.ferry('client', 'rotate', client)).code, 1);
  assert.match((await acme.ferry('client', 'revoke', 'nobody')).err, /there is no client "nobody"/);
  assert.equal((await acme.ferry('client', 'add', 'x y', '--as', 'customer', '--instance', 'acme')).code, 64);
  const rotatedLink = await acme.ferry('link', 'rotate', 'tool-link');
  assert.match(rotatedLink.out, /client_secret/);
});
