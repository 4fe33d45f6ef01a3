import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { ensurePartitions } from '#db/operate/partitions.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

const delivery = '01a00000-0000-7000-8000-000000000001';

describe('months of attempts', () => {
  let database: TestDatabase;
  let connection: Connection;
  before(async () => {
    database = await freshDatabase('partitions');
    connection = connect(database.url, { max: 4 });
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  const months = async (): Promise<string[]> =>
    (
      await rows<{ name: string }>(
        connection.db,
        sql`select inhrelid::regclass::text as name from pg_inherits where inhparent = 'attempts'::regclass order by 1`,
      )
    ).map(({ name }) => name);
  const drop = async (...names: string[]): Promise<void> => {
    for (const name of names) await connection.sql.unsafe(`drop table ${name}`);
  };
  const attempt = (at: string): Promise<unknown> =>
    connection.db.execute(
      sql`insert into attempts (delivery, at, duration_ms, result) values (${delivery}, ${at}::timestamptz, 1, 'applied')`,
    );

  it('are there for years once the database is migrated', async () => {
    assert.equal((await months()).length, 37);
    assert.equal(await ensurePartitions(connection.db), 0);
  });

  it('are made although a clock that was wrong has put something into them; it moves there', async () => {
    const last = (await months()).findLast((name) => name !== 'attempts_default') ?? '';
    await drop(last);
    const at = `${last.replace('attempts_', '').replace('_', '-')}-15T00:00:00Z`;
    await attempt(at);
    assert.equal(await ensurePartitions(connection.db), 1);
    const [row] = await rows<{ place: string }>(
      connection.db,
      sql`select tableoid::regclass::text as place from attempts where at = ${at}::timestamptz`,
    );
    assert.equal(row?.place, last);
  });

  it('are made another day while a dump reads the table, and nobody who writes attempts waits for that', async () => {
    const [first = '', second = ''] = await months();
    await drop(first, second);
    await connection.db.transaction(async (dump) => {
      await dump.execute(sql`select count(*) from attempts`);
      const making = ensurePartitions(connection.db);
      await Promise.all(
        Array.from({ length: 20 }, () =>
          connection.db.transaction(async (tx) => {
            // Far below the time that waiting for the dump would take.
            await tx.execute(sql`set local lock_timeout = '2s'`);
            await tx.execute(
              sql`insert into attempts (delivery, duration_ms, result) values (${delivery}, 1, 'applied')`,
            );
          }),
        ),
      );
      assert.equal(await making, 0);
    });
    assert.equal(await ensurePartitions(connection.db), 2);
    assert.deepEqual((await months()).slice(0, 2), [first, second]);
  });

  it('are made once by workers that make them at the same time', async () => {
    const [first = ''] = await months();
    await drop(first);
    await Promise.all([1, 2, 3].map(() => ensurePartitions(connection.db)));
    await ensurePartitions(connection.db);
    assert.ok((await months()).includes(first));
  });
});
