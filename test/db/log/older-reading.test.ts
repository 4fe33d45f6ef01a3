import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { inTransaction } from '#db/base/transaction.ts';
import { logReading, type LogReadingInput } from '#db/log/log-reading.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { ticketRef } from '#core/words/ref.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';

const mirror = '01990000-0000-7000-8000-00000000a002';
const now = Date.now();

/** What a desk shows: people's actions by id, with the field and the summary that each has set. */
type Shown = { readonly id: string; readonly field?: string; readonly summary?: string };

describe('a reading that is logged after a newer one', () => {
  let database: TestDatabase;
  let connection: Connection;
  before(async () => {
    database = await freshDatabase('older_reading');
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

  const log = (
    shown: readonly Shown[],
    beside: Omit<Shown, 'id'> & { readonly status?: string } = {},
    when: Pick<LogReadingInput, 'begunAt' | 'ids'> = {},
  ): Promise<unknown> => {
    const Ref = beside.field ?? shown.findLast(({ field }) => field !== undefined)?.field ?? '';
    const summary = beside.summary ?? shown.findLast((one) => one.summary !== undefined)?.summary ?? 'VPN';
    const reading: LogReadingInput = {
      ref: ticketRef('north', '9'),
      snapshot: {
        ...{ ticketId: '9', number: '9', url: '', summary, description: '' },
        ...{ status: beside.status ?? 'open', closed: false },
        ...{ category: null, type: null, priority: null, fields: { Ref }, account: null, requester: null },
      },
      actions: shown.map(({ id, field, summary: title }, n) => ({
        externalId: id,
        at: new Date(now + n * 1_000).toISOString(),
        author: { name: 'Bob', role: 'agent' as const },
        fingerprint: id,
        visibility: 'visible' as const,
        note: `<p>${id}</p>`,
        words: {
          kind: 'Note',
          ...(title === undefined ? {} : { summary: title }),
          fields: field === undefined ? {} : { Ref: field },
        },
        attachments: [],
      })),
      settleMs: 1_000,
      ...when,
    };
    return inTransaction(connection.db, (tx) => logReading(tx, createVersionCache(), reading));
  };
  const wordsOf = async (id: string): Promise<unknown> =>
    (await rows(connection.db, sql`select words from actions where external_id = ${id}`))[0]?.['words'];

  const kept = async (): Promise<unknown> =>
    (await rows(connection.db, sql`select snapshot from tickets where external_id = '9'`))[0]?.['snapshot'];
  /** That long before now, by the database's clock. */
  const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();

  for (const ids of ['count', null] as const)
    it(`leaves the ticket as the newer one has shown it, where ids ${ids ?? 'tell nothing'}`, async () => {
      const field = 'R-0';
      const before = [{ id: '1' }];
      const begunAt = { older: ago(400), newer: ago(200) };
      await connection.db.execute(sql`delete from actions`);
      await connection.db.execute(sql`delete from tickets`);
      await log([...before, { id: '2' }], { status: 'waiting', field }, { begunAt: begunAt.newer, ids });
      const newest = await kept();
      // Its worker hung after it had read, or it came from a replica that is late.
      await log(before, { status: 'open', field, summary: 'Old' }, { begunAt: begunAt.older, ids });
      assert.deepEqual(await kept(), newest);
      const nextAt = ids === null ? ago(0) : ago(300);
      await log([...before, { id: '2' }, { id: '3' }], { status: 'closed', field }, { begunAt: nextAt, ids });
      assert.equal(((await kept()) as { status: string }).status, 'closed');
      // A difference that only the older reading shows is nobody's change.
      assert.deepEqual(await wordsOf('3'), { kind: 'Note', fields: {} });
      await connection.db.execute(sql`delete from deliveries`);
      await connection.db.execute(sql`delete from actions`);
      await connection.db.execute(sql`delete from tickets`);
      await connection.db.execute(sql`update lanes set last_seq = 0, head_seq = 1, due_at = null`);
    });

  it('makes nobody change again, with the next note, what the log has long since', async () => {
    const changed: Shown = { id: '2', field: 'R-1', summary: 'VPN again' };
    await log([{ id: '1' }]);
    await log([{ id: '1' }, changed]);
    // Its worker hung after it had read.
    await log([{ id: '1' }]);
    // A read looks back only for a while, so it need not show what had changed.
    await log([{ id: '3' }], { field: 'R-1', summary: 'VPN again' });
    assert.deepEqual(await wordsOf('3'), { kind: 'Note', fields: {} });
  });

  it('hides nothing that was changed beside an action since', async () => {
    await log([{ id: '4' }], { field: 'R-2', summary: 'VPN again' });
    assert.deepEqual(await wordsOf('4'), { kind: 'Note', fields: { Ref: 'R-2' } });
    // Back to a value that it had before, which is not the newest.
    await log([{ id: '5' }], { field: 'R-1', summary: 'VPN again' });
    assert.deepEqual(await wordsOf('5'), { kind: 'Note', fields: { Ref: 'R-1' } });
  });
});
