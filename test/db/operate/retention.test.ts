import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { readFromMany } from '#db/log/log-reading.ts';
import { purge } from '#db/operate/maintenance.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

const secret = 'SECRETWORD';
const id = (n: number): string => `01a00000-0000-7000-8000-00000000000${n}`;

describe('retention', () => {
  let database: TestDatabase;
  let connection: Connection;
  before(async () => {
    database = await freshDatabase('retention');
    connection = connect(database.url, { max: 4 });
    for (const one of ['acme', 'north']) await addInstance(connection, one, 'http://127.0.0.1:1', {});
    await addLink(connection, 'acme-north', 'acme', 'north');
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });
  beforeEach(async () => {
    for (const table of ['actions', 'mirrors', 'deliveries', 'writes', 'attachments', 'tickets', 'unused_files'])
      await connection.sql.unsafe(`delete from ${table}`);
  });

  /** Finds where the word is left, as `table.column`. */
  const left = async (): Promise<string[]> => {
    const columns = await rows<{ table: string; column: string }>(
      connection.db,
      sql`select table_name as "table", column_name as "column" from information_schema.columns where table_schema = 'public'`,
    );
    const found: string[] = [];
    for (const { table, column } of columns) {
      const hits = await connection.sql.unsafe(
        `select 1 from "${table}" where "${column}"::text like '%${secret}%' limit 1`,
      );
      if (hits.length > 0) found.push(`${table}.${column}`);
    }
    return found;
  };

  const carried = async (logged: string): Promise<void> => {
    const { db } = connection;
    const words = JSON.stringify({ kind: 'Note', fields: { x: secret } });
    const author = JSON.stringify({ name: secret, role: 'agent' });
    await db.execute(sql`insert into mirrors (id, link, first_instance, first_ticket, second_instance, second_ticket, state)
      values (${id(1)}, 'acme-north', 'acme', '1', 'north', '9', 'closed')`);
    await db.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, audience, visibility, hash, via, note, words, author, attachments, logged_at)
      values (${id(2)}, 'acme', '1', '1', 'acme', now(), 'desks', 'hidden', 'x', '{acme}', ${secret}, ${words}::jsonb, ${author}::jsonb,
        ${JSON.stringify([{ id: 'a', name: secret }])}::jsonb, now() - ${logged}::interval)`);
    await db.execute(sql`insert into deliveries (id, mirror, to_instance, seq, kind, action, outcome, words, receipt, created_at, ended_at)
      values (${id(3)}, ${id(1)}, 'north', 1, 'action', ${id(2)}, 'applied', ${words}::jsonb, null, now() - ${logged}::interval, now() - ${logged}::interval),
        (${id(4)}, ${id(1)}, 'acme', 1, 'receipt', ${id(2)}, 'applied', null,
          ${JSON.stringify({ outcome: 'applied', action: { author: { name: secret, role: 'agent' } } })}::jsonb,
          now() - ${logged}::interval, now() - ${logged}::interval)`);
    await db.execute(sql`insert into writes (delivery, step, instance, ticket, marker, fingerprints, plan, state, deadline)
      values (${id(3)}, 0, 'north', '9', 'm', '{}', ${JSON.stringify({ command: { note: secret } })}::jsonb, 'settled', now())`);
    await db.execute(
      sql`insert into attachments (action, id, sha256, size_bytes) values (${id(2)}, 'a', ${'a'.repeat(64)}, 5)`,
    );
    await db.execute(sql`insert into tickets (instance, external_id, cursor, snapshot, read_at)
      values ('acme', '1', now() - ${logged}::interval, ${JSON.stringify({ description: secret })}::jsonb, now() - ${logged}::interval)`);
  };

  it('leaves nothing of what was written, wherever it was, and marks its files', async () => {
    await carried('400 days');
    await purge(connection.db);
    assert.deepEqual(await left(), []);
    assert.deepEqual(
      [...(await rows(connection.db, sql`select sha256 from unused_files`))],
      [{ sha256: 'a'.repeat(64) }],
    );
    // The outcome stays.
    assert.equal((await rows(connection.db, sql`select 1 from deliveries where outcome = 'applied'`)).length, 2);
  });

  it('leaves all of it before its time', async () => {
    await carried('2 days');
    await purge(connection.db);
    assert.ok((await left()).length >= 7);
  });

  it('forgets tickets without a mirror, and none of their old actions is new again afterwards', async () => {
    const { db } = connection;
    await db.execute(sql`insert into tickets (instance, external_id, cursor, read_at) values
      ('acme', 'old', now() - interval '200 days', now() - interval '200 days'),
      ('acme', 'lately', now() - interval '3 days', now() - interval '3 days')`);
    const known = async (): Promise<string[]> =>
      (await rows<{ external_id: string }>(db, sql`select external_id from tickets order by 1`)).map(
        (one) => one.external_id,
      );
    await db.execute(sql`update instances set live_since = now() - interval '300 days'`);
    await purge(db);
    assert.deepEqual(await known(), ['lately', 'old'], 'a feed that is not up to date forgets nothing');
    await db.execute(sql`update feeds set cursor = '1', read_at = now()`);
    await purge(db);
    assert.deepEqual(await known(), ['lately']);
    const since = (await readFromMany(db, 'acme', 'ticket', ['old'])).get('old')?.since ?? '';
    const days = (Date.now() - Date.parse(since)) / 86_400_000;
    assert.ok(days > 89 && days < 91, since);
  });
});
