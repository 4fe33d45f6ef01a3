import assert from 'node:assert/strict';
import { after, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { setInstanceState } from '#db/carry/couriers.ts';
import { markOverdue } from '#db/carry/overdue.ts';
import { startFeed } from '#db/log/feeds.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

const mirror = '01a00000-0000-7000-8000-000000000001';
const opened: { database: TestDatabase; connection: Connection }[] = [];
let connection: Connection;

/** A mirror that is opening, and a note on its lane to north. */
async function start(): Promise<void> {
  const database = await freshDatabase('couriers');
  connection = connect(database.url, { max: 3 });
  opened.push({ database, connection });
  const { db } = connection;
  for (const id of ['acme', 'north']) await addInstance(connection, id, 'http://127.0.0.1:1', {});
  await addLink(connection, 'acme-north', 'acme', 'north');
  await db.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, audience, visibility, hash, via)
    values (${mirror}, 'acme', '1', '1', 'acme', now(), 'desks', 'hidden', 'x', '{acme}')`);
  await db.execute(sql`insert into mirrors (id, link, first_instance, first_ticket, second_instance, state, created_at)
    values (${mirror}, 'acme-north', 'acme', '1', 'north', 'opening', now() - interval '1 hour')`);
  for (const to of ['acme', 'north'])
    await db.execute(sql`insert into lanes (mirror, to_instance, link, last_seq, head_seq, due_at)
      values (${mirror}, ${to}, 'acme-north', ${to === 'north' ? 1 : 0}, 1, case when ${to} = 'north' then now() end)`);
  await db.execute(sql`insert into deliveries (mirror, to_instance, seq, kind, action)
    values (${mirror}, 'north', 1, 'action', ${mirror})`);
}

/** The named statement fails from now on, as if the connection had ended there. */
const breaks = (table: string, when: string): Promise<unknown> =>
  connection.sql.unsafe(
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'cut'; end $$;
    create trigger refuse before ${when} for each row execute function refuse()`.replace('TABLE', table),
  );
const one = async (query: ReturnType<typeof sql>): Promise<Record<string, unknown> | undefined> =>
  (await rows(connection.db, query))[0];

beforeEach(start);
after(async () => {
  for (const { database, connection: each } of opened) {
    await each.close();
    await database.drop();
  }
});

describe('what means one thing is done whole or not at all', () => {
  it('go-live: a feed has its position only together with the floor below which nothing is carried', async () => {
    await breaks('instances', 'update of live_since on TABLE');
    await assert.rejects(startFeed(connection.db, { instance: 'acme', entity: 'ticket' }, '7'));
    assert.deepEqual(await one(sql`select cursor from feeds where instance = 'acme'`), { cursor: null });
    await connection.sql`drop trigger refuse on instances`;
    await startFeed(connection.db, { instance: 'acme', entity: 'ticket' }, '8');
    assert.deepEqual(
      await one(
        sql`select cursor, live_since is not null as live from feeds join instances on id = instance where id = 'acme'`,
      ),
      { cursor: '8', live: true },
    );
  });

  it('go-live at a desk that names no time of its own is by its clock as measured, stored yet or not', async () => {
    const aheadMs = async (): Promise<number> =>
      Number(
        (await one(sql`select extract(epoch from live_since - now()) * 1000 as ms from instances where id = 'acme'`))?.[
          'ms'
        ],
      );
    const isNear = (ms: number, wanted: number): boolean => Math.abs(ms - wanted) < 30_000;
    const begin = async (stored: number | null, measured: number | null): Promise<number> => {
      await connection.db.execute(sql`update feeds set cursor = null`);
      await connection.db.execute(sql`update instances set live_since = null, clock_offset_ms = ${stored}`);
      await startFeed(connection.db, { instance: 'acme', entity: 'ticket' }, '9', measured);
      return aheadMs();
    };
    for (const [stored, measured, wanted] of [
      [null, -90_000, -90_000],
      [null, 240_000, 240_000],
      [600_000, -90_000, -90_000],
      [600_000, null, 600_000],
      [null, null, 0],
    ] as const) {
      const found = await begin(stored, measured);
      assert.ok(isNear(found, wanted), `stored ${stored}, measured ${measured}: ${found} ms from now`);
    }
  });

  it('an overdue escalation is claimed, announced and noted on its ticket, or claimed again', async () => {
    await breaks('deliveries', 'insert on TABLE');
    await assert.rejects(markOverdue(connection.db, 60_000));
    assert.deepEqual(await one(sql`select count(*)::int as told from mirrors where overdue_told_at is not null`), {
      told: 0,
    });
    assert.deepEqual(await one(sql`select count(*)::int as notices from notices`), { notices: 0 });
    await connection.sql`drop trigger refuse on deliveries`;
    assert.deepEqual(await markOverdue(connection.db, 60_000), ['acme']);
    assert.deepEqual(await markOverdue(connection.db, 60_000), []);
    assert.deepEqual(
      await one(sql`select (select count(*) from notices)::int as notices,
        (select count(*) from deliveries where kind = 'receipt' and to_instance = 'acme')::int as marks`),
      { notices: 1, marks: 1 },
    );
  });
});

describe('an instance that is away', () => {
  const since = async (): Promise<unknown> =>
    (await one(sql`select extract(epoch from now() - state_since)::int as since from instances where id = 'north'`))?.[
      'since'
    ];
  const before = (interval: string): Promise<unknown> =>
    connection.sql.unsafe(`update instances set state_since = state_since - interval '${interval}' where id = 'north'`);
  const troubledMs = async (): Promise<number> =>
    Number(
      (
        await one(
          sql`select extract(epoch from now() - first_tried_at)::int as s from deliveries where to_instance = 'north'`,
        )
      )?.['s'],
    );

  it('counts as away since it went away, whatever error each attempt reports', async () => {
    const { db } = connection;
    assert.deepEqual(await setInstanceState(db, 'north', 'down', 'GET /tickets/1 failed'), {
      before: 'new',
      wake: false,
    });
    await before('70 seconds');
    assert.equal(await setInstanceState(db, 'north', 'down', 'POST /tickets/2 failed'), null);
    assert.ok(Number(await since()) >= 70);
    assert.deepEqual(await one(sql`select state_reason as why from instances where id = 'north'`), {
      why: 'POST /tickets/2 failed',
    });
    assert.equal((await setInstanceState(db, 'north', 'up', null))?.before, 'down');
    assert.ok(Number(await since()) < 60);
  });

  it('counts for none of the hour after which a delivery in trouble is held', async () => {
    const { db } = connection;
    await db.execute(sql`update deliveries set first_tried_at = now() - interval '10 seconds'`);
    await setInstanceState(db, 'north', 'down', 'away');
    await before('61 minutes');
    await db.execute(sql`update deliveries set first_tried_at = first_tried_at - interval '61 minutes'`);
    await setInstanceState(db, 'north', 'up', null);
    const left = await troubledMs();
    assert.ok(left >= 10 && left < 120, `${left} s`);
  });

  it('is tried at once when anybody reaches it again, and not while it asks us to slow down', async () => {
    const { db } = connection;
    const waits = sql`update couriers set retry_at = now() + interval '40 seconds' where instance = 'north'`;
    await setInstanceState(db, 'north', 'down', 'away');
    await db.execute(waits);
    assert.deepEqual(await setInstanceState(db, 'north', 'up', null), { before: 'down', wake: true });
    assert.deepEqual(await one(sql`select retry_at from couriers where instance = 'north'`), { retry_at: null });
    await db.execute(waits);
    assert.equal(await setInstanceState(db, 'north', 'up', null), null);
    assert.equal(
      (await one(sql`select retry_at > now() as waits from couriers where instance = 'north'`))?.['waits'],
      true,
    );
  });
});
