import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client as TemporalClient, Connection as TemporalConnection } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { raiseNotice } from '#db/base/notices.ts';
import { startSweeper, type Sweeper } from '#worker/sweeper.ts';
import { createTakeOver, type TakeOver } from '#worker/take-over.ts';
import { signalCourier } from '#worker/wake.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { until } from '#test/support/wait.ts';

const mirror = '01a00000-0000-7000-8000-000000000001';

describe('a sweeper while Temporal is away and a courier is due', () => {
  let database: TestDatabase;
  let connection: Connection;
  let temporal: TemporalConnection;
  let sweeper: Sweeper;
  let takeOver: TakeOver;
  const told: string[] = [];
  const drained: string[] = [];
  const wakes: Promise<unknown>[] = [];
  const { promise: theEnd, resolve: end } = Promise.withResolvers<void>();
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  before(async () => {
    database = await freshDatabase('sweeper');
    connection = connect(database.url, { max: 5 });
    const { db } = connection;
    for (const id of ['acme', 'north']) await addInstance(connection, id, 'http://127.0.0.1:1', {});
    await addLink(connection, 'acme-north', 'acme', 'north');
    await db.execute(sql`insert into lanes (mirror, to_instance, link, last_seq, head_seq, due_at)
      values (${mirror}, 'north', 'acme-north', 1, 1, now())`);
    await db.execute(sql`update feeds set next_poll_at = now() + interval '1 hour'`);
    // Nothing listens on port 1.
    temporal = TemporalConnection.lazy({ address: '127.0.0.1:1' });
    const client = new TemporalClient({ connection: temporal });
    takeOver = createTakeOver({
      db,
      drain: Object.assign(
        (instance: string) => {
          drained.push(instance);
          return theEnd.then(() => ({ more: false }));
        },
        { rest: () => Promise.resolve() },
      ),
      watch: () => Promise.resolve({ more: true }),
      wakeCourier: (instance) => {
        const waking = signalCourier(client, undefined, instance);
        wakes.push(waking.catch(() => undefined));
        return waking;
      },
      log,
    });
    sweeper = startSweeper({
      db,
      temporal: () => client,
      version: 'test',
      takeOver,
      wake: () => undefined,
      noticed: () => Promise.resolve(),
      blobs: { deleteUntouched: () => Promise.resolve(true) },
      tell: ({ text, link }) => {
        told.push(text);
        // One recipient never answers.
        return link === 'silent' ? theEnd : Promise.resolve();
      },
      log,
      watchers: 1,
      sweepMs: 200,
    });
  });
  after(async () => {
    end();
    await Promise.all([sweeper.stop(), takeOver.stop()]);
    await Promise.all(wakes);
    await temporal.close();
    await connection.close();
    await database.drop();
  });

  it('sends due notices, even if one recipient does not answer', async () => {
    await connection.db.transaction(async (tx) => {
      await raiseNotice(tx, { link: 'silent', cause: 'x', text: 'to one that is silent' });
      await raiseNotice(tx, { link: 'acme-north', cause: 'x', text: 'to somebody' });
    });
    await until(() => told.length === 2 || undefined, { what: 'both to be told', timeoutMs: 20_000 });
  });

  it('carries itself, once', async () => {
    await until(() => drained.length > 0 || undefined, { what: 'the drain', timeoutMs: 20_000 });
    assert.deepEqual(drained, ['north']);
    const [row] = await rows<{ same: boolean }>(
      connection.db,
      sql`select woken_epoch = epoch as same from couriers where instance = 'north'`,
    );
    assert.equal(row?.same, true);
  });
});
