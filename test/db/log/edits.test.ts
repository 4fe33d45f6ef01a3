import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { ticketRef } from '#core/words/ref.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { inTransaction } from '#db/base/transaction.ts';
import { DeskRestored } from '#db/log/desk-restored.ts';
import { logReading, type LogReadingResult } from '#db/log/log-reading.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { loadTrace } from '#db/operate/trace.ts';
import { entryLines } from '#cli/print/trace.ts';
import { timelineOf } from '#operate/trace/timeline.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

const mirror = '01990000-0000-7000-8000-00000000a003';
const at = new Date(Date.now() - 60_000).toISOString();

describe('a note whose text is changed at its desk after it was read', () => {
  let database: TestDatabase;
  let connection: Connection;
  before(async () => {
    database = await freshDatabase('edits');
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

  const read = (note: string, by = 'Bob'): Promise<LogReadingResult> =>
    inTransaction(connection.db, (tx) =>
      logReading(tx, createVersionCache(), {
        ref: ticketRef('north', '9'),
        snapshot: {
          ...{ ticketId: '9', number: '9', url: '', summary: 'VPN', description: '', status: 'open', closed: false },
          ...{ category: null, type: null, priority: null, fields: {}, account: null, requester: null },
        },
        actions: [
          {
            ...{ externalId: '1', at, author: { name: by, role: 'agent' as const }, fingerprint: note, note },
            ...{ visibility: 'visible' as const, words: { kind: 'Note', fields: {} }, attachments: [] },
          },
        ],
        settleMs: 1_000,
        ids: 'count',
      }),
    );
  const kept = async (): Promise<readonly unknown[]> => [
    ...(await rows(connection.db, sql`select note, edited_at is not null as edited from actions`)),
  ];

  it('is known as edited, once, and nothing is carried again', async () => {
    assert.equal((await read('<p>Call me at five.</p>')).logged, 1);
    assert.deepEqual((await read('<p>Call me  at five.</p>')).edited, []);
    const edited = await read('<p>Call me at six.</p>');
    assert.deepEqual([edited.logged, edited.edited], [0, ['1']]);
    const again = await read('<p>Call me at seven.</p>');
    assert.deepEqual([again.logged, again.edited], [0, []]);
    assert.deepEqual(await kept(), [{ note: '<p>Call me at five.</p>', edited: true }]);
    const [{ waiting } = {}] = await rows(connection.db, sql`select count(*)::int as waiting from deliveries`);
    assert.equal(waiting, 1);
  });

  it('is shown as edited where somebody traces its ticket', async () => {
    const found = await loadTrace(connection.db, ticketRef('north', '9'), { notes: false });
    const lines = timelineOf('north', '9', found).entries.flatMap((entry) => entryLines(entry, null));
    assert.match(lines.join('\n'), /edited: somebody changed its text later/);
  });

  it('is another action of a restored desk where its author is another one, too', async () => {
    await assert.rejects(read('<p>Something else.</p>', 'Carl'), DeskRestored);
  });
});
