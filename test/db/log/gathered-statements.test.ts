import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { ticketRef } from '#core/words/ref.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { logReading } from '#db/log/log-reading.ts';
import { createTogether, type Together } from '#db/log/together.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

const tickets = Array.from({ length: 8 }, (_, n) => String(n + 1));
const start = Date.now() - 60_000;

describe('tickets of which each shows a new note', () => {
  let database: TestDatabase;
  let connection: Connection;
  let together: Together;
  const cache = createVersionCache();
  before(async () => {
    database = await freshDatabase('gathered-statements');
    connection = connect(database.url, { max: 4 });
    together = createTogether(connection.db);
    const { db } = connection;
    for (const id of ['acme', 'north']) await addInstance(connection, id, 'http://localhost:1', {});
    await addLink(connection, 'acme-north', 'acme', 'north');
    await db.execute(sql`update instances set live_since = now() - interval '1 day'`);
    for (const ticket of tickets) {
      const [mirror] = await rows<{ id: string }>(
        db,
        sql`insert into mirrors (id, link, state, first_instance, first_ticket, second_instance, second_ticket)
          values (uuidv7(), 'acme-north', 'open', 'acme', ${ticket}, 'north', ${`N${ticket}`}) returning id`,
      );
      await db.execute(
        sql`insert into lanes (mirror, to_instance, link) values (${mirror?.id}, 'acme', 'acme-north'), (${mirror?.id}, 'north', 'acme-north')`,
      );
    }
    // A worker knows the settings long since.
    await cache.side(db, 'acme-north/customer', 1);
    await cache.side(db, 'acme-north/supplier', 1);
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  const read = (ticketId: string, ids: readonly number[]): Promise<unknown> => {
    const ref = ticketRef('acme', ticketId);
    const actions = ids.map((id) => ({
      ...{ externalId: String(id), at: new Date(start + id * 1_000).toISOString(), fingerprint: `${ticketId}/${id}` },
      ...{ author: { name: 'Ann', role: 'agent' as const }, visibility: 'visible' as const },
      ...{ note: `<p>${id}</p>`, words: { kind: 'Note', fields: {} }, attachments: [] },
    }));
    const snapshot = {
      ...{ ticketId, number: ticketId, url: '', summary: '', description: '', status: 'open', closed: false },
      ...{ category: null, type: null, priority: null, fields: {}, account: null, requester: null },
    };
    const reading = { ref, snapshot, actions, settleMs: 500 };
    return together({ ref, externalIds: actions.map(({ externalId }) => externalId) }, (unit, locked) =>
      logReading(unit, cache, reading, locked),
    );
  };
  /** By how many statements the rows were written as they are; PostgreSQL numbers a transaction's. */
  const statements = async (of: ReturnType<typeof sql>): Promise<readonly [number, number]> => {
    const [found] = await rows<{ rows: number; statements: number }>(
      connection.db,
      sql`select count(*)::int as rows, count(distinct (x.xmin::text, x.cmin::text))::int as statements from ${of}`,
    );
    return [found?.rows ?? 0, found?.statements ?? 0];
  };

  it('are logged and remembered by one statement each for all of them, whatever the settings ask', async () => {
    await Promise.all(tickets.map((ticket) => read(ticket, [1])));
    await Promise.all(tickets.map((ticket) => read(ticket, [1, 2])));
    assert.deepEqual(await statements(sql`actions x where external_id = '2'`), [tickets.length, 1]);
    assert.deepEqual(await statements(sql`tickets x where instance = 'acme'`), [tickets.length, 1]);
  });
});
