import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { inTransaction } from '#db/base/transaction.ts';
import { logReading } from '#db/log/log-reading.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { ticketRef } from '#core/words/ref.ts';
import type { ObservedAction } from '#core/words/desk.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';

const mirror = '01990000-0000-7000-8000-00000000a003';
const start = Date.now() - 600_000;
const at = (ms: number): string => new Date(start + ms).toISOString();
/** The clock of the desk at the other end is wrong by this much. */
const wrongMs = [-147_000, 147_000];

describe('the time that a change is signed with', () => {
  let database: TestDatabase;
  let connection: Connection;
  const cache = createVersionCache();
  before(async () => {
    database = await freshDatabase('origin_time');
    connection = connect(database.url, { max: 4 });
    const { db } = connection;
    for (const id of ['acme', 'north']) await addInstance(connection, id, 'http://localhost:1', {});
    await addLink(connection, 'acme-north', 'acme', 'north');
    await db.execute(sql`update instances set live_since = now() - interval '1 day'`);
    await db.execute(
      sql`insert into mirrors (id, link, state, first_instance, first_ticket, second_instance, second_ticket)
        values (${mirror}, 'acme-north', 'open', 'acme', '1', 'north', '9')`,
    );
    await db.execute(
      sql`insert into lanes (mirror, to_instance, link) values (${mirror}, 'acme', 'acme-north'), (${mirror}, 'north', 'acme-north')`,
    );
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });
  beforeEach(async () => {
    for (const table of ['actions', 'deliveries', 'written_ids', 'writes', 'tickets'])
      await connection.db.execute(sql.raw(`delete from ${table}`));
  });

  const action = (externalId: string, atMs: number, more: Partial<ObservedAction>): ObservedAction => ({
    ...{ externalId, at: at(atMs), author: { name: 'Ann', role: 'agent' }, fingerprint: externalId },
    ...{ visibility: 'visible', note: `<p>${externalId}</p>`, words: { kind: 'Note', fields: {} }, attachments: [] },
    ...more,
  });
  const read = (desk: 'acme' | 'north', actions: readonly ObservedAction[]): Promise<unknown> => {
    const ticketId = desk === 'acme' ? '1' : '9';
    const snapshot = {
      ...{ ticketId, number: ticketId, url: '', summary: '', description: '', status: 'open', closed: false },
      ...{ category: null, type: null, priority: null, fields: {}, account: null, requester: null },
    };
    return inTransaction(connection.db, (tx) =>
      logReading(tx, cache, { ref: ticketRef(desk, ticketId), snapshot, actions, settleMs: 500 }),
    );
  };
  /** What came from the other desk last has been written here, and the write changes nothing but adds a note. */
  const noteWritten = async (): Promise<string> => {
    const [one] = await rows<{ id: string }>(
      connection.db,
      sql`update deliveries set outcome = 'applied', ended_at = now() where to_instance = 'acme' returning id`,
    );
    assert.ok(one !== undefined);
    const marker = `${one.id}-0`;
    await connection.db.execute(
      sql`insert into writes (delivery, step, instance, ticket, marker, fingerprints, deadline, promised_at, state, plan)
        values (${one.id}, 0, 'acme', '1', ${marker}, '{}', now() + interval '30 seconds', now(), 'settled',
          '{"command": {"note": "<p>b</p>", "attachments": [], "fields": {}}}')`,
    );
    return marker;
  };
  const signed = async (externalId: string): Promise<unknown> =>
    (
      await rows<{ ms: number }>(
        connection.db,
        sql`select (extract(epoch from at) * 1000)::float8 as ms from actions where external_id = ${externalId} and instance = 'acme'`,
      )
    )[0]?.ms;
  const change: Partial<ObservedAction> = { words: { kind: 'Note', status: 'working', fields: {} } };

  for (const wrong of wrongMs) {
    const clock = `by a clock that is ${Math.abs(wrong) / 1_000} s ${wrong < 0 ? 'slow' : 'fast'}`;
    it(`is not changed by a note that was written after it and was dated at its own desk ${clock}`, async () => {
      await read('north', [action('b', wrong, {})]);
      const marker = await noteWritten();
      await read('acme', [
        action('1', 5_000, change),
        action('2', 6_000, { marker, author: { name: 'Ferry', role: 'service' } }),
      ]);
      assert.equal(await signed('1'), start + 5_000);
    });

    it(`is not changed by a note that was written before it and was dated at its own desk ${clock}`, async () => {
      await read('north', [action('b', wrong, {})]);
      const marker = await noteWritten();
      await read('acme', [
        action('1', 4_000, { marker, author: { name: 'Ferry', role: 'service' } }),
        action('2', 5_000, change),
      ]);
      assert.equal(await signed('2'), start + 5_000);
    });

    it(`is not changed by what left nothing to do, and changed nothing at its own desk, ${clock}`, async () => {
      await read('north', [action('b', wrong, {})]);
      await connection.db.execute(
        sql`update deliveries set outcome = 'skipped', reason = '{"code": "no-op"}', ended_at = now() where to_instance = 'acme'`,
      );
      await read('acme', [action('2', 5_000, change)]);
      assert.equal(await signed('2'), start + 5_000);
    });
  }

  it('is later than that of a change from the other side that was so already when it came', async () => {
    await read('north', [action('b', 8_000, change)]);
    await connection.db.execute(
      sql`update deliveries set outcome = 'skipped', reason = '{"code": "no-op"}', ended_at = now() where to_instance = 'acme'`,
    );
    await read('acme', [action('2', 5_000, change)]);
    assert.equal(await signed('2'), start + 8_001);
  });
});
