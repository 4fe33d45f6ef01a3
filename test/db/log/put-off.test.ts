import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { claimHints, isUnwatched, putOffReading, readAfterAll, type ClaimedHint } from '#db/log/claim-hints.ts';
import { addHints } from '#db/log/hint.ts';
import { addInstance } from '#test/federation/rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

describe('a reading that was put off', () => {
  let database: TestDatabase;
  let connection: Connection;
  before(async () => {
    database = await freshDatabase('put_off');
    connection = connect(database.url, { max: 3 });
    await addInstance(connection, 'acme', 'http://127.0.0.1:1', {});
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  const claimed = async (): Promise<readonly ClaimedHint[]> => (await claimHints(connection.db, 64)).hints;
  const later = (): Promise<unknown> =>
    connection.db.execute(sql`update put_off set due_at = due_at - interval '16 seconds'`);

  it('is kept through a crash of the database', async () => {
    assert.deepEqual(
      [
        ...(await rows(
          connection.db,
          sql`select relpersistence::text as kept from pg_class where relname = 'put_off'`,
        )),
      ],
      [{ kept: 'p' }],
    );
  });

  it('comes back where the watcher that has claimed it is killed, and is over once the ticket was read', async () => {
    await putOffReading(connection.db, 'acme', '7', 0);
    const [first] = await claimed();
    assert.deepEqual([first?.ticket, first?.times], ['7', 1]);
    assert.deepEqual(await claimed(), [], 'somebody is at it');
    await later();
    const [again] = await claimed();
    assert.equal(again?.ticket, '7');
    await readAfterAll(connection.db, 'acme', '7', again?.times ?? 0);
    await later();
    assert.deepEqual(await claimed(), []);
  });

  it('that is put off again while it is read is read again', async () => {
    await putOffReading(connection.db, 'acme', '8', 0);
    const [first] = await claimed();
    await putOffReading(connection.db, 'acme', '8', 0);
    await readAfterAll(connection.db, 'acme', '8', first?.times ?? 0);
    const [again] = await claimed();
    assert.deepEqual([again?.ticket, again?.times], ['8', 2]);
    await readAfterAll(connection.db, 'acme', '8', 2);
  });

  it('tells when it is due, and so does a mere hint; what nobody claims for long has no watcher', async () => {
    const { db } = connection;
    await db.execute(sql`update feeds set next_poll_at = now() + interval '1 hour'`);
    assert.equal(await isUnwatched(db, 3_000), false);
    await putOffReading(db, 'acme', '9', 5_000);
    const { nextHintMs } = await claimHints(db, 64);
    assert.ok(nextHintMs !== null && nextHintMs > 1_000 && nextHintMs <= 5_000, `${nextHintMs}`);
    await addHints(db, [{ instance: 'acme', ticket: '10' }]);
    await db.execute(sql`update hints set due_at = now() - interval '4 seconds'`);
    assert.equal(await isUnwatched(db, 3_000), true);
    assert.deepEqual((await claimHints(db, 0)).hints, [], 'a look without room claims nothing');
    assert.deepEqual(
      (await claimed()).map(({ ticket, times }) => [ticket, times]),
      [['10', null]],
    );
    assert.equal(await isUnwatched(db, 3_000), false);
  });
});
