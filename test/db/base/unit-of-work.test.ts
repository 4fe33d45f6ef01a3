import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection, type Tx } from '#db/base/client.ts';
import { textArray } from '#db/base/text-array.ts';
import { inUnitOfWork, NotKnownYetError, type Gathered, type Later } from '#db/base/unit-of-work.ts';
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
  const insert = (tx: Tx, n: number): Promise<unknown> => rows(tx, sql`insert into said (n) values (${n})`);
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
        inUnitOfWork(connection.db, async (unit) => {
          await insert(unit.tx, k * 3);
          unit.last(insert(unit.tx, k * 3 + 1));
          unit.last(rows(unit.tx, sql`update said set n = ${k * 3 + 2} where n = ${k * 3 + 1}`));
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
    const failing = inUnitOfWork(connection.db, async (unit) => {
      await insert(unit.tx, 1000);
      unit.last(insert(unit.tx, 1001));
      unit.last(insert(unit.tx, 1000));
      unit.last(insert(unit.tx, 1002));
      return 'committed';
    });
    await assert.rejects(failing, (error: Error) =>
      /duplicate key/.test(error.cause instanceof Error ? error.cause.message : error.message),
    );
    assert.equal(await count(1000, 1999), 0);
    await connection.db.execute(sql`select 1`);
  });

  it('is undone as a whole where the work itself fails after them', async () => {
    const failing = inUnitOfWork(connection.db, async (unit) => {
      unit.last(insert(unit.tx, 2000));
      throw new Error('thought better of it');
    });
    await assert.rejects(failing, /thought better of it/);
    assert.equal(await count(2000, 2999), 0);
  });

  describe('that gathers what is done alike', () => {
    const sent: (readonly number[])[] = [];
    const insertAll: Gathered<number, string> = {
      send: async (tx, numbers) => {
        sent.push(numbers);
        const found = await rows<{ n: number; tx: string }>(
          tx,
          sql`insert into said (n) select n::int from unnest(${textArray(numbers.map(String))}) as n returning n, tx::text`,
        );
        const of = new Map(found.map((row) => [row.n, row.tx]));
        return numbers.map((n) => of.get(n) ?? '');
      },
      keyOf: (n) => String(n % 10),
    };
    beforeEach(() => void sent.splice(0));

    it('sends it once, at its end, and each item has its answer', async () => {
      const answers = await inUnitOfWork(connection.db, async (unit) => {
        const given = [4000, 4001, 4002].map((n) => unit.later(insertAll, n));
        assert.deepEqual(sent, []);
        return given;
      });
      assert.deepEqual(sent, [[4000, 4001, 4002]]);
      const by = new Set(answers.map((answer) => answer.get()));
      assert.equal(by.size, 1);
      assert.equal(await count(4000, 4099), 3);
    });

    it('sends items with equal keys one after the other, in their order', async () => {
      await inUnitOfWork(connection.db, async (unit) => {
        for (const n of [4100, 4110, 4101, 4120]) unit.later(insertAll, n);
      });
      assert.deepEqual(sent, [[4100, 4101], [4110], [4120]]);
      assert.equal(await count(4100, 4199), 4);
    });

    it('shows it to whatever is sent directly after it', async () => {
      const seen = await inUnitOfWork(connection.db, async (unit) => {
        unit.later(insertAll, 4200);
        const found = await rows<{ n: number }>(unit.tx, sql`select n from said where n between 4200 and 4299`);
        unit.later(insertAll, 4201);
        return found;
      });
      assert.deepEqual([...seen], [{ n: 4200 }]);
      assert.deepEqual(sent, [[4200], [4201]]);
    });

    it('contains it, however many run at once', async () => {
      await Promise.all(
        Array.from({ length: 100 }, (_, k) =>
          inUnitOfWork(connection.db, async (unit) => {
            await insert(unit.tx, 5000 + k * 10);
            unit.later(insertAll, 5000 + k * 10 + 1);
          }),
        ),
      );
      const [found] = await rows<{ n: number }>(
        connection.db,
        sql`select count(*)::int as n from
          (select tx from said where n between 5000 and 5999 group by tx having count(*) = 2) whole`,
      );
      assert.equal(found?.n, 100);
    });

    it('is undone with it, and who asks for an answer hears why', async () => {
      let given: Later<string> | undefined;
      const failing = inUnitOfWork(connection.db, async (unit) => {
        await insert(unit.tx, 4300);
        given = unit.later(insertAll, 4300);
      });
      await assert.rejects(failing);
      assert.throws(() => given?.get(), /Failed query/);
      assert.equal(await count(4300, 4399), 0);
    });

    it('is undone where it cannot even be sent', async () => {
      const broken: Gathered<number, void> = {
        send: () => Promise.reject(new Error('not a statement')),
        keyOf: String,
      };
      const failing = inUnitOfWork(connection.db, async (unit) => {
        await insert(unit.tx, 4500);
        unit.later(broken, 1);
      });
      await assert.rejects(failing, /not a statement/);
      assert.equal(await count(4500, 4599), 0);
    });

    it('has no answer before it is sent: asking too early throws instead of waiting', async () => {
      const answers = await inUnitOfWork(connection.db, async (unit) => {
        const first = unit.later(insertAll, 4400);
        assert.throws(() => first.get(), NotKnownYetError);
        await unit.tx.execute(sql`select 1`);
        return [first, unit.later(insertAll, 4401)];
      });
      const [first, second] = answers.map((answer) => answer.get());
      assert.equal(first, second, 'one transaction');
    });
  });
});
