import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { claimHints, isUnwatched, scheduleHint, readAfterAll, type ClaimedHint } from '#db/log/claim-hints.ts';
import { addHints } from '#db/log/hint.ts';
import { addInstance } from '#test/federation/rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

const entities = ['ticket'];
const of = (externalId: string) => ({ instance: 'acme', entity: 'ticket', externalId });

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

  const claimed = async (): Promise<readonly ClaimedHint[]> => (await claimHints(connection.db, entities, 64)).hints;
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
    await scheduleHint(connection.db, of('7'), 0);
    const [first] = await claimed();
    assert.deepEqual([first?.externalId, first?.times], ['7', 1]);
    assert.deepEqual(await claimed(), [], 'somebody is at it');
    await later();
    const [again] = await claimed();
    assert.equal(again?.externalId, '7');
    await readAfterAll(connection.db, of('7'), again?.times ?? 0);
    await later();
    assert.deepEqual(await claimed(), []);
  });

  it('that is put off again while it is read is read again', async () => {
    await scheduleHint(connection.db, of('8'), 0);
    const [first] = await claimed();
    await scheduleHint(connection.db, of('8'), 0);
    await readAfterAll(connection.db, of('8'), first?.times ?? 0);
    const [again] = await claimed();
    assert.deepEqual([again?.externalId, again?.times], ['8', 2]);
    await readAfterAll(connection.db, of('8'), 2);
  });

  it('tells when it is due, and so does a mere hint; what nobody claims for long has no watcher', async () => {
    const { db } = connection;
    await db.execute(sql`update feeds set next_poll_at = now() + interval '1 hour'`);
    assert.equal(await isUnwatched(db, entities, 3_000), false);
    await scheduleHint(db, of('9'), 5_000);
    const { nextHintMs } = await claimHints(db, entities, 64);
    assert.ok(nextHintMs !== null && nextHintMs > 1_000 && nextHintMs <= 5_000, `${nextHintMs}`);
    await addHints(db, [of('10')]);
    await db.execute(sql`update hints set due_at = now() - interval '4 seconds'`);
    assert.equal(await isUnwatched(db, entities, 3_000), true);
    assert.deepEqual((await claimHints(db, entities, 0)).hints, [], 'a look without room claims nothing');
    assert.deepEqual(
      (await claimed()).map(({ externalId, times }) => [externalId, times]),
      [['10', undefined]],
    );
    assert.equal(await isUnwatched(db, entities, 3_000), false);
  });
});
