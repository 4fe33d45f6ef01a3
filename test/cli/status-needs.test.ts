import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Need } from '#operate/status/needs.ts';
import { ids, plantTickets } from './log.ts';
import { ferry } from './run.ts';
import { goodYaml, openBench } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
/** Takes Temporal's place: something listens there. */
let temporal: Server;
let env: Record<string, string>;
before(async () => {
  bench = await openBench();
  await bench.apply(goodYaml);
  await plantTickets(bench.connection);
  temporal = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => temporal.listen(0, '127.0.0.1', resolve));
  env = { TEMPORAL_ADDRESS: `127.0.0.1:${(temporal.address() as AddressInfo).port}` };
});
after(async () => {
  temporal.close();
  await bench.close();
});

const status = (...more: string[]) => ferry(['status', '--database', bench.url, ...more], { env });
const needs = async (): Promise<{ code: number; needs: readonly Need[] }> => {
  const { code, out } = await status('--json');
  return { code, needs: (JSON.parse(out) as { needs: Need[] }).needs };
};

/** The state without any trouble: read recently, nothing held, paused or waiting for long. */
async function allWell(): Promise<void> {
  const { db } = bench.connection;
  await db.execute(sql`update instances set state = 'up', state_reason = null, state_since = now()`);
  await db.execute(sql`update feeds set read_at = now()`);
  await db.execute(sql`update couriers set retry_at = null, reason = null`);
  await db.execute(sql`update links set state = 'active', state_reason = null`);
  await db.execute(sql`update mirrors set paused_at = null, pause_reason = null`);
  await db.execute(
    sql`update deliveries set held_at = null, set_aside_at = null, created_at = now() where outcome is null`,
  );
}

test('nobody is needed while there is no trouble, even if something waits for a moment', async () => {
  await allWell();
  assert.deepEqual(await needs(), { code: 0, needs: [] });
  const { out } = await status();
  assert.doesNotMatch(out, /Somebody has to act/);
});

const of = (id: string) => sql`where id = ${id}`;
const troubles: readonly (readonly [string, ReturnType<typeof sql>, Partial<Need>, RegExp])[] = [
  ...(['down', 'auth', 'key'] as const).map(
    (state) =>
      [
        `an instance that is ${state}`,
        sql`update instances set state = ${state}, state_reason = 'Because.' ${of('acme')}`,
        { code: state, of: 'acme', reason: 'Because.' },
        state === 'auth'
          ? /acme refuses our credentials/
          : state === 'key'
            ? /the worker has no key/
            : /acme does not answer/,
      ] as const,
  ),
  [
    'an instance that was read long ago',
    sql`update feeds set read_at = now() - interval '6 min' where instance = 'acme'`,
    { code: 'stale', of: 'acme' },
    /acme is not being read; are workers running\? \(since 6 min\)/,
  ],
  [
    'an instance that was never read',
    sql`with never as (update feeds set read_at = null where instance = 'acme')
      update instances set state = 'new', state_since = now() - interval '1 h' ${of('acme')}`,
    { code: 'stale', of: 'acme', since: null },
    /acme is not being read/,
  ],
  [
    'a link in quarantine',
    sql`update links set state = 'quarantined', state_reason = '{"code":"link-quarantined","text":"It was restored."}'`,
    { code: 'quarantined', of: 'acme-northwind', reason: 'It was restored.' },
    /ferry link resume --dry-run/,
  ],
  [
    'a held delivery',
    sql`update deliveries set held_at = now() ${of(ids.held)}`,
    { code: 'held', of: ids.held, tickets: ['northwind NW-24018'] },
    /1 delivery waits for a decision/,
  ],
  [
    'a delivery that was set aside',
    sql`update deliveries set held_at = now(), set_aside_at = now() ${of(ids.held)}`,
    { code: 'set-aside', of: ids.held },
    /1 delivery waits for a decision/,
  ],
  [
    'a paused mirror',
    sql`update mirrors set paused_at = now(), pause_reason = 'ping-pong' where state = 'open'`,
    { code: 'paused', reason: 'ping-pong' },
    /1 paused mirror waits/,
  ],
];
for (const [name, change, wanted, words] of troubles) {
  test(`${name} needs somebody: exit code 2, and the output says for what`, async () => {
    await allWell();
    await bench.connection.db.execute(change);
    const found = await needs();
    assert.equal(found.code, 2);
    const need = found.needs.find(({ code }) => code === wanted.code);
    assert.ok(need, JSON.stringify(found.needs));
    for (const [key, value] of Object.entries(wanted)) assert.deepEqual(need[key as keyof Need], value, key);
    const { out } = await status();
    assert.match(out, /Somebody has to act:/);
    assert.match(out, words);
  });
}

test('what waits because the disk has no room for its file is reported at once, with what to do', async () => {
  await allWell();
  const why = { code: 'no-room', text: "Ferry's disk has too little room for the file plan.pdf. Free some." };
  await bench.connection.db.execute(
    sql`update deliveries set reason = ${JSON.stringify(why)}::jsonb where id = (
      select id from deliveries where outcome is null and accepted_at is null and held_at is null limit 1)`,
  );
  const found = await needs();
  const need = found.needs.find(({ code }) => code === 'no-room');
  assert.equal(found.code, 2);
  assert.deepEqual([need?.reason, need?.tickets.length], [why.text, 1]);
  assert.match((await status()).out, /no room; free some.*Waiting for it: \w+ /);
  await bench.connection.db.execute(sql`update deliveries set reason = null where outcome is null`);
});

test('what waits for long, and for whom, is shown with its tickets', async () => {
  await allWell();
  await bench.connection.db.execute(
    sql`update deliveries set created_at = now() - interval '20 min' where outcome is null`,
  );
  const found = await needs();
  assert.equal(found.code, 2);
  const waits = found.needs.filter(({ code }) => code === 'waits');
  assert.ok(waits.length > 0, JSON.stringify(found.needs));
  for (const { tickets } of waits) assert.ok(tickets.length > 0 && tickets.every((ticket) => /^\w+ \S+$/.test(ticket)));
  assert.match(
    (await status()).out,
    /something has been waiting for it for a long time.*\(since 20 min\)\. Waiting for it: \w+ /,
  );
  await bench.connection.db.execute(sql`update instances set state = 'down', state_reason = 'Off.'`);
  const away = (await needs()).needs;
  assert.ok(away.some(({ code, tickets }) => code === 'down' && tickets.length > 0));
  assert.ok(
    away.every(({ code }) => code !== 'waits'),
    'what waits for an instance that is away is told with it',
  );
});

test('a link that somebody has suspended needs nobody, and neither does what waits on it', async () => {
  await allWell();
  await bench.connection.db.execute(sql`update links set state = 'suspended'`);
  await bench.connection.db.execute(
    sql`update deliveries set created_at = now() - interval '2 days' where outcome is null`,
  );
  assert.deepEqual(await needs(), { code: 0, needs: [] });
});
