import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { TicketSnapshot } from '#core/vocabulary.ts';
import { connect, type Connection } from '#db/client.ts';
import type { Observed } from '#db/log-action.ts';
import { logReading, type LogReadingInput, type LogReadingResult } from '#db/log-reading.ts';
import { createVersionCache } from '#db/settings-in-force.ts';
import { addInstance } from '#test/federation/rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

const delivery = '01a00000-0000-7000-8000-000000000001';
const at = new Date().toISOString();

const snapshot: TicketSnapshot = {
  ticketId: '1',
  number: '#1',
  url: 'http://desk.example/1',
  summary: 'VPN drops',
  description: '',
  status: 'open',
  closed: false,
  category: null,
  type: null,
  priority: null,
  fields: { Asset: 'LT-1' },
  account: null,
  requester: null,
};

/** A bare change by our own account, which bears no marker and whose write named no id. */
const echo: Observed = {
  externalId: '7',
  at,
  author: { name: 'gateway', role: 'service' },
  fingerprint: 'asset',
  visibility: 'visible',
  note: null,
  words: { kind: 'CustomField', fields: { Asset: 'LT-1' } },
  attachments: [],
};

describe('a write whose echo the watcher reads before its request returns', () => {
  let database: TestDatabase;
  let connection: Connection;
  before(async () => {
    database = await freshDatabase('log_reading');
    connection = connect(database.url, { max: 2 });
    await addInstance(connection, 'acme', 'http://127.0.0.1:1', {});
    await connection.db.execute(sql`update instances set live_since = now() - interval '1 hour'`);
    await connection.db.execute(
      sql`insert into writes (delivery, step, instance, ticket, marker, fingerprints, state, deadline)
        values (${delivery}, 0, 'acme', '1', 'mark', '{asset}', 'open', now() + interval '1 minute')`,
    );
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  const read = (own: Pick<LogReadingInput, 'made'> = {}): Promise<LogReadingResult> =>
    connection.db.transaction((tx) =>
      logReading(tx, createVersionCache(), {
        instance: 'acme',
        ticketId: '1',
        snapshot,
        actions: [echo],
        settleMs: 60_000,
        ...own,
      }),
    );

  it('is seen by the read-back behind it, although that finds nothing new', async () => {
    assert.equal((await read()).logged, 0);
    const { seen, logged } = await read({ made: { delivery, step: 0, made: { ticketId: '1', actionIds: [] } } });
    assert.equal(logged, 0);
    assert.deepEqual([...seen], [`${delivery}/0`]);
  });
});
