import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { inTransaction } from '#db/base/transaction.ts';
import { logReading } from '#db/log/log-reading.ts';
import { purge } from '#db/operate/maintenance.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { ticketRef } from '#core/words/ref.ts';
import type { ObservedAction } from '#core/words/desk.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';

const mirror = '01990000-0000-7000-8000-00000000a001';
const delivery = '01990000-0000-7000-8000-00000000d001';
const now = Date.now();
const at = (seconds: number): string => new Date(now + seconds * 1000).toISOString();

describe('what is ours on a ticket', () => {
  let database: TestDatabase;
  let connection: Connection;
  before(async () => {
    database = await freshDatabase('own_writes');
    connection = connect(database.url, { max: 4 });
    const { db } = connection;
    for (const id of ['acme', 'north']) await addInstance(connection, id, 'http://localhost:1', {});
    await addLink(connection, 'acme-north', 'acme', 'north');
    await db.execute(sql`update instances set live_since = ${at(-10_000_000)}`);
    await db.execute(
      sql`insert into mirrors (id, link, state, first_instance, first_ticket, second_instance, second_ticket)
        values (${mirror}, 'acme-north', 'open', 'acme', '1', 'north', '9')`,
    );
    await db.execute(
      sql`insert into lanes (mirror, to_instance, link) values (${mirror}, 'acme', 'acme-north'), (${mirror}, 'north', 'acme-north')`,
    );
    await db.execute(
      sql`insert into deliveries (id, mirror, to_instance, seq, kind, action) values (${delivery}, ${mirror}, 'north', 1, 'action', ${mirror})`,
    );
    await db.execute(
      sql`insert into writes (delivery, step, instance, ticket, marker, fingerprints, deadline, promised_at)
        values (${delivery}, 0, 'north', '9', 'm', '{f}', ${at(30)}, ${at(0)})`,
    );
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  const read = (...actions: readonly (Partial<ObservedAction> & { externalId: string })[]): Promise<unknown> =>
    inTransaction(connection.db, (tx) =>
      logReading(tx, createVersionCache(), {
        ref: ticketRef('north', '9'),
        snapshot: {
          ...{ ticketId: '9', number: '9', url: '', summary: '', description: '', status: 'open', closed: false },
          ...{ category: null, type: null, priority: null, fields: {}, account: null, requester: null },
        },
        actions: actions.map((action) => ({
          at: at(1),
          author: { name: 'Ferry', role: 'service' as const },
          fingerprint: 'f',
          visibility: 'visible' as const,
          note: null,
          words: { kind: 'Note', fields: {} },
          attachments: [],
          ...action,
        })),
        settleMs: 1_000,
      }),
    );
  const writeState = async (): Promise<unknown> =>
    (await rows(connection.db, sql`select state from writes where delivery = ${delivery}`))[0]?.['state'];
  const known = async (): Promise<string> => {
    const found = await rows<{ id: string }>(
      connection.db,
      sql`select external_id || ' ' || "as" as id from written_ids union all
        select external_id || ' action' from actions where ticket = '9' order by 1`,
    );
    return found.map(({ id }) => id).join(', ');
  };

  it('stays an open write when a read shows one of its actions: its courier alone settles it', async () => {
    await read({ externalId: '1', note: '<p>ours</p>', marker: 'm' });
    assert.equal(await writeState(), 'open');
    assert.equal(await known(), '1 echo');
  });

  it('is also what the desk records of it a moment later, in a separate action', async () => {
    await read(
      { externalId: '1', note: '<p>ours</p>', marker: 'm' },
      { externalId: '2', at: at(2), fingerprint: 'status', words: { kind: 'Status', status: 'waiting', fields: {} } },
    );
    assert.equal(await known(), '1 echo, 2 echo');
    await connection.db.execute(
      sql`update writes set state = 'settled', settled_at = now() where delivery = ${delivery}`,
    );
    await read({ externalId: '3', at: at(3), fingerprint: 'field', words: { kind: 'Set', fields: { Ref: 'x' } } });
    assert.equal(await known(), '1 echo, 2 echo, 3 echo');
  });

  it('is known as long as a read may meet it, however old it is', async () => {
    const { db } = connection;
    const older = sql`interval '91 days'`;
    await db.execute(sql`update written_ids set at = at - ${older}`);
    await db.execute(sql`update tickets set cursor = cursor - ${older}`);
    await db.execute(
      sql`update writes set promised_at = promised_at - ${older}, deadline = deadline - ${older}, settled_at = settled_at - ${older}`,
    );
    await db.execute(
      sql`insert into actions (instance, ticket, external_id, origin, at, author, audience, visibility, note, words, hash, via, reason, logged_at)
        select 'north', '9', '4', 'north', cursor, '{"name":"Bob","role":"agent"}', 'team', 'hidden', 'kept to the team', '{"kind":"Private","fields":{}}',
          'h', '{north}', 'hidden', now() - ${older} from tickets where instance = 'north'`,
    );
    await purge(db);
    assert.equal(await known(), '1 echo, 2 echo, 3 echo, 4 action');
    const [kept] = await rows(db, sql`select note, words from actions where external_id = '4' and ticket = '9'`);
    assert.deepEqual(kept, { note: null, words: null }, 'of what was not carried the id alone stays');
    await read(
      { externalId: '1', at: at(1 - 91 * 86_400), note: '<p>ours</p>' },
      { externalId: '5', at: at(10), author: { name: 'Bob', role: 'agent' }, note: '<p>after the holidays</p>' },
    );
    assert.equal(await known(), '1 echo, 2 echo, 3 echo, 4 action, 5 action');
  });

  it('is forgotten once the ticket has moved on', async () => {
    await purge(connection.db);
    assert.equal(await known(), '5 action');
  });
});
