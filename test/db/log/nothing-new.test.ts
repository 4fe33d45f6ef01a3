import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { ticketRef } from '#core/words/ref.ts';
import type { TicketSnapshot } from '#core/words/vocabulary.ts';
import { connect, type Connection } from '#db/base/client.ts';
import { createNothingNew, type NothingNew } from '#db/log/nothing-new.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

const snapshot = (summary: string): TicketSnapshot => ({
  ticketId: '1',
  number: '1',
  url: '',
  summary,
  description: '',
  status: 'open',
  closed: false,
  category: null,
  priority: null,
  type: null,
  account: null,

  requester: null,
  fields: {},
});

describe('a read of a ticket that shows nothing new', () => {
  let database: TestDatabase;
  let connection: Connection;
  let nothingNew: NothingNew;
  before(async () => {
    database = await freshDatabase('nothing_new');
    connection = connect(database.url, { max: 4 });
    nothingNew = createNothingNew(connection.db);
    for (const ticket of ['1', '2', '3', '4']) {
      await connection.db.execute(
        sql`insert into tickets (instance, entity, external_id, snapshot)
          values ('acme', 'ticket', ${ticket}, ${JSON.stringify(snapshot('VPN'))}::jsonb)`,
      );
    }
    await connection.db.execute(
      sql`insert into actions (instance, ticket, external_id, origin, at, author, audience, visibility, note, words, hash, via)
        values ('acme', '1', 'a"1', 'acme', now(), '{"name":"Ann","role":"agent"}', 'user', 'visible', 'x', '{"kind":"Note","fields":{}}', 'h', '{acme}')`,
    );
    await connection.db.execute(
      sql`insert into written_ids (instance, ticket, external_id, "as", delivery, step, at)
        values ('acme', '1', 'b', 'echo', ${randomUUID()}, 0, now())`,
    );
    await connection.db.execute(
      sql`insert into writes (delivery, step, instance, ticket, marker, fingerprints, deadline)
        values (${randomUUID()}, 0, 'acme', '3', 'm', '{}', now())`,
    );
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  const shown = (ticketId: string, externalIds: readonly string[], summary = 'VPN') => ({
    ref: ticketRef('acme', ticketId),
    externalIds,
    snapshot: snapshot(summary),
  });

  it('is one whose every action is logged or our own, and whose ticket is unchanged', async () => {
    assert.equal(await nothingNew(shown('1', ['a"1', 'b'])), true);
    assert.equal(await nothingNew(shown('2', [])), true);
  });

  it('is not one with an unknown action, a change beside the actions, an open write, or an unknown ticket', async () => {
    const asked = [
      shown('1', ['a"1', 'b', 'c']),
      shown('2', ['a"1']),
      shown('1', ['b'], 'VPN again'),
      shown('3', []),
      shown('5', []),
    ];
    assert.deepEqual(await Promise.all(asked.map(nothingNew)), [false, false, false, false, false]);
  });

  it('is reported to each caller at the same time, and a snapshot that no database accepts fails alone', async () => {
    const [one, broken, two, three] = await Promise.allSettled(
      [shown('1', ['b']), shown('2', [], 'NUL \u0000'), shown('2', ['x']), shown('4', [])].map(nothingNew),
    );
    assert.deepEqual(
      [one, two, three],
      [
        { status: 'fulfilled', value: true },
        { status: 'fulfilled', value: false },
        { status: 'fulfilled', value: true },
      ],
    );
    assert.equal(broken?.status, 'rejected');
  });
});
