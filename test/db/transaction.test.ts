import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/client.ts';
import { inTransaction, sendGathered, sendLast } from '#db/transaction.ts';
import { emptyDatabase, type TestDatabase } from '#test/support/database.ts';

describe('a transaction whose last statements go out with its commit', () => {
  let database: TestDatabase;
  let connection: Connection;
  before(async () => {
    database = await emptyDatabase('transaction');
    connection = connect(database.url, { max: 4 });
    await connection.db.execute(
      sql`create table said (n int primary key, tx xid8 not null default pg_current_xact_id())`,
    );
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });
  const insert = (tx: Parameters<typeof sendLast>[0], n: number): Promise<unknown> =>
    rows(tx, sql`insert into said (n) values (${n})`);
  const count = async (from: number, to: number): Promise<number | undefined> =>
    (
      await rows<{ n: number }>(
        connection.db,
        sql`select count(*)::int as n from said where n between ${from} and ${to}`,
      )
    )[0]?.n;

  it('contains them, in the order in which they were sent, however many run at once', async () => {
    await Promise.all(
      Array.from({ length: 100 }, (_, k) =>
        inTransaction(connection.db, async (tx) => {
          await insert(tx, k * 3);
          await sendLast(tx, insert(tx, k * 3 + 1));
          await sendLast(tx, rows(tx, sql`update said set n = ${k * 3 + 2} where n = ${k * 3 + 1}`));
        }),
      ),
    );
    const found = await rows<{ n: number }>(
      connection.db,
      sql`select count(*)::int as n from (select tx from said where n < 300 group by tx having count(*) = 2 and max(n) % 3 = 2) whole`,
    );
    assert.equal(found[0]?.n, 100);
  });

  it('is undone as a whole where one of them fails, and throws its error', async () => {
    const failing = inTransaction(connection.db, async (tx) => {
      await insert(tx, 1000);
      await sendLast(tx, insert(tx, 1001));
      await sendLast(tx, insert(tx, 1000));
      await sendLast(tx, insert(tx, 1002));
      return 'committed';
    });
    await assert.rejects(failing, (error: Error) =>
      /duplicate key/.test(error.cause instanceof Error ? error.cause.message : error.message),
    );
    assert.equal(await count(1000, 1999), 0);
    await connection.db.execute(sql`select 1`);
  });

  it('is undone as a whole where the work itself fails after them', async () => {
    const failing = inTransaction(connection.db, async (tx) => {
      await sendLast(tx, insert(tx, 2000));
      throw new Error('thought better of it');
    });
    await assert.rejects(failing, /thought better of it/);
    assert.equal(await count(2000, 2999), 0);
  });

  it('waits for them in an ordinary transaction', async () => {
    const failing = connection.db.transaction(async (tx) => {
      await insert(tx, 3000);
      await sendLast(tx, insert(tx, 3000));
    });
    await assert.rejects(failing);
    assert.equal(await count(3000, 3999), 0);
  });

  it('sends what is done alike once, at its end, and that is undone with it', async () => {
    const sent: (readonly number[])[] = [];
    const insertAll = async (tx: Parameters<typeof sendLast>[0], numbers: readonly number[]): Promise<void> => {
      sent.push(numbers);
      await rows(tx, sql`insert into said (n) select n::int from unnest(${`{${numbers.join(',')}}`}::text[]) as n`);
    };
    await inTransaction(connection.db, async (tx) => {
      await Promise.all([4000, 4001, 4002].map((n) => sendGathered(tx, insertAll, n)));
      assert.deepEqual(sent, []);
    });
    assert.deepEqual(sent, [[4000, 4001, 4002]]);
    assert.equal(await count(4000, 4999), 3);
    const failing = inTransaction(connection.db, async (tx) => {
      await insert(tx, 4003);
      await sendGathered(tx, insertAll, 4000);
    });
    await assert.rejects(failing);
    assert.equal(await count(4000, 4999), 3);
    await connection.db.transaction((tx) => sendGathered(tx, insertAll, 4004));
    assert.deepEqual(sent.at(-1), [4004]);
  });
});
