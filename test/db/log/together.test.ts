import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { ticketRef } from '#core/words/ref.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { createTogether, type Together } from '#db/log/together.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

describe('tickets that are logged in one transaction', () => {
  let database: TestDatabase;
  let connection: Connection;
  let together: Together;
  before(async () => {
    database = await freshDatabase('together');
    connection = connect(database.url, { max: 4 });
    together = createTogether(connection.db, { atOnce: 2 });
    await connection.db.execute(
      sql`create table said (ticket text not null, xact text not null default pg_current_xact_id()::text)`,
    );
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  const read = (ticketId: string) => ({ ref: ticketRef('acme', ticketId), externalIds: ['1', '2'] });
  const say = (ticket: string): Promise<string> =>
    together(read(ticket), async (tx, locked) => {
      assert.equal(locked.ids.length, 2, 'an id for each action that was read');
      await tx.execute(sql`insert into said (ticket) values (${ticket})`);
      return ticket;
    });
  const transactions = async (prefix: string): Promise<number> => {
    const [row] = await rows<{ n: number }>(
      connection.db,
      sql`select count(distinct xact)::int as n from said where ticket like ${`${prefix}%`}`,
    );
    return row?.n ?? 0;
  };

  it('share it when they come together, and each caller gets its own result', async () => {
    const names = Array.from({ length: 10 }, (_, n) => `a${n}`);
    assert.deepEqual(await Promise.all(names.map(say)), names);
    assert.equal(await transactions('a'), 1);
  });

  it('are locked: the same ticket twice is done twice, one after the other, never in one transaction', async () => {
    assert.deepEqual(await Promise.all([say('b'), say('b'), say('b')]), ['b', 'b', 'b']);
    assert.equal(await transactions('b'), 3);
  });

  it('are all done although the work on one of them fails, and only its caller gets the error', async () => {
    const broken = together(read('c-broken'), async (tx) => {
      await tx.execute(sql`insert into said (ticket) values ('c-broken')`);
      throw new Error('this one is broken');
    });
    const refused = together(read('c-refused'), (tx) => tx.execute(sql`select 1 / 0`));
    const [one, two, first, second] = await Promise.allSettled([say('c1'), broken, refused, say('c2')]);
    assert.equal(one.status, 'fulfilled');
    assert.equal(second.status, 'fulfilled');
    assert.match(String((two as PromiseRejectedResult).reason), /this one is broken/);
    assert.equal(first.status, 'rejected');
    const kept = await rows<{ ticket: string }>(
      connection.db,
      sql`select ticket from said where ticket like 'c%' order by ticket`,
    );
    assert.deepEqual(
      kept.map(({ ticket }) => ticket),
      ['c1', 'c2'],
      'what was done again is there once',
    );
  });

  it('never wait for each other in a circle, whatever order two processes name them in', async () => {
    const other = connect(database.url, { max: 4 });
    try {
      const elsewhere = createTogether(other.db);
      const names = Array.from({ length: 16 }, (_, n) => `d${String(n).padStart(2, '0')}`);
      const touch = (by: Together, ticket: string): Promise<unknown> =>
        by(read(ticket), (tx) => tx.execute(sql`update tickets set read_at = now() where external_id = ${ticket}`));
      for (let round = 0; round < 20; round += 1) {
        await Promise.all([
          ...names.map((name) => touch(together, name)),
          ...names.toReversed().map((name) => touch(elsewhere, name)),
        ]);
      }
    } finally {
      await other.close();
    }
  });
});
