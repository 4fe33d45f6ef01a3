import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { ids, plantTickets } from './log.ts';
import { ferry } from './run.ts';
import { goodYaml, openBench } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
  await bench.apply(goodYaml);
  await plantTickets(bench.connection);
});
afterEach(() => bench.close());

const delivery = async (id: string): Promise<Record<string, unknown>> => {
  const [row] = await rows(
    bench.connection.db,
    sql`select outcome, reason->>'code' as code, held_at, set_aside_at, released_at is not null as released from deliveries where id = ${id}`,
  );
  return row ?? {};
};

test('a status shows instances, links, what is held and how to let it go', async () => {
  await bench.connection.db.execute(
    sql`update couriers set retry_at = now() + interval '5 min' where instance = 'northwind'`,
  );
  const { code, out } = await ferry(['status', '--database', bench.url], { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  assert.equal(code, 2);
  assert.match(out, /^DEGRADED: Temporal at 127\.0\.0\.1:1 can't be reached\./);
  assert.match(out, /^acme +halo +new +\d+ s ago +never +1 +\d+ s +-$/m);
  assert.match(out, /^northwind +halo +new .* in 5 min$/m);
  assert.match(out, /^acme-northwind +live +acme +northwind +1 +0 +0 +0 +1$/m);
  assert.match(out, new RegExp(`${ids.held} +northwind NW-24018 → acme, since .*: This would mail`));
  assert.doesNotMatch(out, /planted/);
});

test('a status as JSON is one line', async () => {
  const { out } = await ferry(['status', '--json', '--database', bench.url], {
    env: { TEMPORAL_ADDRESS: '127.0.0.1:1' },
  });
  const found = JSON.parse(out) as { temporal: { state: string }; held: { id: string }[]; links: { open: number }[] };
  assert.equal(found.temporal.state, 'down');
  assert.equal(found.held[0]?.id, ids.held);
  assert.equal(found.links[0]?.open, 1);
});

test('releasing a held delivery makes its lane due and notes who did it', async () => {
  await bench.connection.db.execute(
    sql`update lanes set due_at = now() + interval '10 min' where to_instance = 'acme'`,
  );
  assert.equal((await ferry(['release', ids.held, '--database', bench.url])).code, 0);
  assert.deepEqual(await delivery(ids.held), {
    outcome: null,
    code: 'late-mail',
    held_at: null,
    set_aside_at: null,
    released: true,
  });
  const [lane] = await rows(
    bench.connection.db,
    sql`select due_at <= now() as due, head_seq::int as head from lanes where to_instance = 'acme'`,
  );
  assert.deepEqual(lane, { due: true, head: 3 });
  const [noted] = await rows(
    bench.connection.db,
    sql`select by, what from audit where subject = ${`deliveries/${ids.held}`}`,
  );
  assert.deepEqual(noted, { by: 'ann', what: 'release' });
});

test('a delivery that was set aside heads its lane again once it is released', async () => {
  await bench.connection.db.execute(sql`update deliveries set set_aside_at = now() where id = ${ids.held}`);
  await bench.connection.db.execute(sql`update lanes set due_at = null, head_seq = 4 where to_instance = 'acme'`);
  await ferry(['release', ids.held, '--database', bench.url]);
  const [lane] = await rows(
    bench.connection.db,
    sql`select due_at <= now() as due, head_seq::int as head from lanes where to_instance = 'acme'`,
  );
  assert.deepEqual(lane, { due: true, head: 3 });
});

test('a dropped delivery ends as skipped and its lane has nothing left to do', async () => {
  assert.equal((await ferry(['skip', ids.held, '--database', bench.url])).code, 0);
  assert.equal((await delivery(ids.held))['outcome'], 'skipped');
  assert.equal((await delivery(ids.held))['code'], 'dropped');
  const [lane] = await rows(
    bench.connection.db,
    sql`select due_at, head_seq::int as head from lanes where to_instance = 'acme'`,
  );
  assert.deepEqual(lane, { due_at: null, head: 4 });
});

test('dropping an escalation that has not opened ends what waits after it', async () => {
  const { db } = bench.connection;
  await db.execute(sql`update mirrors set state = 'opening' where id = ${ids.escalation}`);
  await db.execute(sql`update deliveries set outcome = null, ended_at = null where id = ${ids.toNorthwind}`);
  await db.execute(
    sql`insert into deliveries (mirror, to_instance, seq, kind, action) values (${ids.escalation}, 'northwind', 2, 'action', ${ids.update})`,
  );
  await db.execute(sql`update lanes set last_seq = 2, head_seq = 1, due_at = now() where to_instance = 'northwind'`);
  assert.equal((await ferry(['skip', ids.toNorthwind, '--database', bench.url])).code, 0);
  const [mirror] = await rows(db, sql`select state from mirrors where id = ${ids.escalation}`);
  assert.deepEqual(mirror, { state: 'refused' });
  const ended = await rows(
    db,
    sql`select reason->>'code' as code from deliveries where to_instance = 'northwind' order by seq`,
  );
  assert.deepEqual([...ended], [{ code: 'dropped' }, { code: 'not-opened' }]);
});

test('what has ended, is not held, or does not exist is neither released nor dropped', async () => {
  const again = await ferry(['skip', ids.toAcme, '--database', bench.url]);
  assert.equal(again.code, 1);
  assert.match(again.err, /has already ended/);
  await bench.connection.db.execute(sql`update deliveries set held_at = null where id = ${ids.held}`);
  assert.match((await ferry(['release', ids.held, '--database', bench.url])).err, /is not held/);
  assert.match((await ferry(['skip', ids.lone, '--database', bench.url])).err, /there is no delivery/);
  const odd = await ferry(['skip', "'; drop table deliveries", '--database', bench.url]);
  assert.equal(odd.code, 64);
});

test('retrying an instance clears its waiting time and makes its lanes due, but not paused ones', async () => {
  const { db } = bench.connection;
  await db.execute(sql`update couriers set retry_at = now() + interval '15 min', failures = 4 where instance = 'acme'`);
  await db.execute(sql`update lanes set due_at = now() + interval '10 min' where to_instance = 'acme'`);
  await db.execute(
    sql`insert into lanes (mirror, to_instance, link, due_at) values (uuidv7(), 'acme', 'x', 'infinity')`,
  );
  const { code, out } = await ferry(['retry', 'acme', '--database', bench.url]);
  assert.equal(code, 0);
  assert.equal(out, 'acme is tried again now; 1 lane waits for it.\n');
  const [courier] = await rows(db, sql`select retry_at, failures from couriers where instance = 'acme'`);
  assert.deepEqual(courier, { retry_at: null, failures: 0 });
  const [paused] = await rows(db, sql`select due_at = 'infinity' as paused from lanes where link = 'x'`);
  assert.deepEqual(paused, { paused: true });
  assert.equal((await delivery(ids.held))['released'], true);
  assert.equal((await ferry(['retry', 'nobody', '--database', bench.url])).code, 1);
});

test('a paused mirror continues when somebody resumes it', async () => {
  const { db } = bench.connection;
  await db.execute(
    sql`update mirrors set paused_at = now(), pause_reason = 'ping-pong', turns = '[{"at":"x","to":"y"}]' where id = ${ids.escalation}`,
  );
  await db.execute(sql`update lanes set due_at = 'infinity' where to_instance = 'acme'`);
  assert.match(
    (await ferry(['status', '--database', bench.url], { env: { TEMPORAL_ADDRESS: '127.0.0.1:1' } })).out,
    /Paused: acme 1001 \(ping-pong\)/,
  );
  assert.equal((await ferry(['resume', ids.escalation, '--database', bench.url])).code, 0);
  const [mirror] = await rows(db, sql`select paused_at, turns from mirrors where id = ${ids.escalation}`);
  assert.deepEqual(mirror, { paused_at: null, turns: [] });
  const [lane] = await rows(db, sql`select due_at <= now() as due from lanes where to_instance = 'acme'`);
  assert.deepEqual(lane, { due: true });
  assert.equal((await ferry(['resume', ids.escalation, '--database', bench.url])).code, 1);
});
