import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { createPromises, type PromiseWrite } from '#db/carry/promise-writes.ts';
import type { PromiseInput } from '#db/carry/writes.ts';
import { waitingDelivery } from '#test/support/waiting-delivery.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

describe('promises of writes made together', () => {
  let database: TestDatabase;
  let connection: Connection;
  let promise: PromiseWrite;
  before(async () => {
    database = await freshDatabase('promises');
    connection = connect(database.url, { max: 4 });
    promise = createPromises(connection.db);
    await connection.db.execute(sql`insert into couriers (instance, epoch) values ('north', 7)`);
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  const input = async (ticket: string | null, epoch = 7): Promise<PromiseInput> => ({
    delivery: await waitingDelivery(connection.db, 'north'),
    step: 0,
    instance: 'north',
    entity: 'ticket',
    epoch,
    ticket,
    marker: `marker "of" ${ticket}, \\ and {all}`,
    fingerprints: ['a', 'b,"c"'],
    plan: null,
    timeoutMs: 5_000,
  });

  it('are each kept as they were given, with a deadline by the database’s clock', async () => {
    const inputs = [await input('1'), await input('2'), await input(null)];
    const promised = await Promise.all(inputs.map(promise));
    for (const one of promised) {
      assert.equal(one.kind, 'promised');
    }
    for (const { delivery, marker, fingerprints, ticket } of inputs) {
      const [row] = await rows<{ left_ms: number }>(
        connection.db,
        sql`select marker, fingerprints, ticket, state,
          (extract(epoch from deadline - clock_timestamp()) * 1000)::float8 as left_ms from writes where delivery = ${delivery}`,
      );
      const { left_ms: leftMs, ...kept } = row ?? { left_ms: 0 };
      assert.deepEqual(kept, { marker, fingerprints, ticket, state: 'open' });
      assert.ok(leftMs > 3_000 && leftMs <= 5_000);
    }
  });

  it('are refused one by one: to who has lost the courier, and where the ticket has an open write', async () => {
    const inputs = [await input('3'), await input('4', 6), await input('1')];
    const [good, lost, busy] = (await Promise.all(inputs.map(promise))).map(({ kind }) => kind);
    assert.deepEqual([good, lost, busy], ['promised', 'lost', 'busy']);
  });

  it('are not made for a delivery that is gone', async () => {
    const gone = { ...(await input('5')), delivery: '01a00000-0000-7000-8000-00000000000a' };
    const [one, other] = await Promise.all([promise(gone), promise(await input('6'))]);
    assert.deepEqual([one.kind, other.kind], ['lost', 'promised']);
  });
});
