import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { settleLane } from '#db/carry/lanes.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { until } from '#test/support/wait.ts';

describe('a lane that is settled', () => {
  let database: TestDatabase;
  let connection: Connection;
  const mirror = '01a00000-0000-7000-8000-000000000001';
  before(async () => {
    database = await freshDatabase('lanes');
    connection = connect(database.url, { max: 4 });
    const { db } = connection;
    for (const id of ['acme', 'north']) await addInstance(connection, id, 'http://127.0.0.1:1', {});
    await addLink(connection, 'acme-north', 'acme', 'north');
    await db.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, audience, visibility, hash, via)
      values (${mirror}, 'acme', '1', '1', 'acme', now(), 'desks', 'hidden', 'x', '{acme}')`);
    await db.execute(sql`insert into mirrors (id, link, first_instance, first_ticket, second_instance, state)
      values (${mirror}, 'acme-north', 'acme', '1', 'north', 'open')`);
    await db.execute(sql`insert into lanes (mirror, to_instance, link, last_seq, head_seq, due_at)
      values (${mirror}, 'north', 'acme-north', 0, 1, now())`);
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  const lane = async (): Promise<{ due: boolean; head: number; last: number } | undefined> =>
    (
      await rows<{ due: boolean; head: number; last: number }>(
        connection.db,
        sql`select due_at is not null as due, head_seq::int as head, last_seq::int as last from lanes where mirror = ${mirror}`,
      )
    )[0];

  it('stays due when an action is logged on it at the same moment', async () => {
    let settling: Promise<unknown> | undefined;
    await connection.db.transaction(async (tx) => {
      await tx.execute(sql`update lanes set last_seq = 1, due_at = coalesce(due_at, now()) where mirror = ${mirror}`);
      await tx.execute(sql`insert into deliveries (mirror, to_instance, seq, kind, action)
        values (${mirror}, 'north', 1, 'action', ${mirror})`);
      // A query runs each time it is awaited, so it is awaited once.
      settling = Promise.resolve(connection.db.execute(settleLane(mirror, 'north')));
      await until(
        async () =>
          (
            await rows(
              connection.db,
              sql`select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
            )
          ).length > 0,
        { what: 'the other to wait for the lane' },
      );
    });
    await settling;
    assert.deepEqual(await lane(), { due: true, head: 1, last: 1 });
  });

  it('rests when nothing waits', async () => {
    await connection.db.execute(
      sql`update deliveries set outcome = 'skipped', reason = '{"code":"no-op"}' where mirror = ${mirror}`,
    );
    await connection.db.execute(settleLane(mirror, 'north'));
    assert.deepEqual(await lane(), { due: false, head: 2, last: 1 });
  });
});
