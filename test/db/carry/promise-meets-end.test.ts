/**
 * A delivery is ended by somebody at the moment in which its write is promised: either the promise is known to who ends it,
 * or nothing is promised. Each way a delivery ends is tried in both orders.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { must } from '#core/words/must.ts';
import { connect, rows, type Connection, type Tx } from '#db/base/client.ts';
import { beginDrain } from '#db/carry/couriers.ts';
import { headOf, type DeliveryContext } from '#db/carry/delivery-context.ts';
import { endDelivery, type Marked } from '#db/carry/outcome.ts';
import { promiseWrite, writesOf, type Promised } from '#db/carry/writes.ts';
import { closeLink } from '#db/links/link-close.ts';
import { rememberReadings } from '#db/log/remember-reading.ts';
import { eraseActions } from '#db/operate/erase.ts';
import { skipDelivery } from '#db/operate/operate.ts';
import { replaceDesk } from '#db/settings/which-desk.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';
import { until } from '#test/support/wait.ts';

const mirror = '01a00000-0000-7000-8000-000000000001';
const snapshot = {
  ...{ ticketId: '7', number: '7', url: '', summary: 'x', description: '', status: 'open', closed: false, fields: {} },
  ...{ category: null, type: null, priority: null, account: null, requester: null },
};

describe('a promise and an end at the same moment', () => {
  let database: TestDatabase;
  let connection: Connection;
  let db: Connection['db'];
  let delivery: string;
  let earlier: number;
  let now: number;

  before(async () => {
    database = await freshDatabase('promise-meets-end');
    connection = connect(database.url, { max: 4 });
    ({ db } = connection);
    for (const id of ['acme', 'north']) await addInstance(connection, id, 'http://127.0.0.1:1', {});
    await addLink(connection, 'acme-north', 'acme', 'north');
  });
  beforeEach(async () => {
    delivery = randomUUID();
    await connection.sql`truncate tickets, notices, writes, deliveries, lanes, mirrors, actions, couriers, attempts cascade`;
    await connection.sql`update links set state = 'active'`;
    await db.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, words, hash, via)
      values (${mirror}, 'acme', '1', '1', 'acme', now(), '{"name":"Ann","role":"agent"}', 'desks', 'hidden', '{"kind":"Note","fields":{}}', 'x', '{acme}')`);
    await db.execute(sql`insert into mirrors (id, link, first_instance, first_ticket, second_instance, second_ticket, state)
      values (${mirror}, 'acme-north', 'acme', '1', 'north', '7', 'open')`);
    for (const to of ['acme', 'north'])
      await db.execute(sql`insert into lanes (mirror, to_instance, link, last_seq, head_seq, due_at)
        values (${mirror}, ${to}, 'acme-north', ${to === 'north' ? 1 : 0}, 1, case when ${to} = 'north' then now() end)`);
    await db.execute(sql`insert into deliveries (id, mirror, to_instance, seq, kind, action)
      values (${delivery}, ${mirror}, 'north', 1, 'action', ${mirror})`);
    earlier = await beginDrain(db, 'north');
    now = await beginDrain(db, 'north');
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  const promise = (tx: Tx | Connection['db'], step = 0, epoch = now): Promise<Promised> =>
    promiseWrite(tx, {
      ...{ delivery, step, instance: 'north', entity: 'ticket', epoch, ticket: '7', marker: `${delivery}-${step}` },
      ...{ fingerprints: [], plan: null, timeoutMs: 5_000 },
    });
  const somebodyWaits = (): Promise<unknown> =>
    until(
      async () =>
        (
          await rows(
            db,
            sql`select 1 as one from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
          )
        ).length > 0,
      { what: 'somebody to wait for a lock' },
    );
  const outcome = async (): Promise<unknown> =>
    (await rows<{ outcome: unknown }>(db, sql`select outcome from deliveries where id = ${delivery}`))[0]?.outcome;
  const head = async (): Promise<DeliveryContext> => must(await headOf(db, { mirror, to: 'north' }), 'the head');

  const ends: Readonly<Record<string, readonly [string, (tx: Tx) => Promise<unknown>]>> = {
    'somebody drops it': ['skipped', (tx) => skipDelivery(tx, delivery)],
    'its text is erased': ['skipped', (tx) => eraseActions(tx, [mirror])],
    'its link is closed': ['refused', (tx) => closeLink(tx, 'acme-north')],
    'another helpdesk takes the place of its own': ['skipped', (tx) => replaceDesk(tx, 'north', 'North', null)],
  };
  for (const [how, [as, end]] of Object.entries(ends)) {
    it(`where ${how}, a promise that is being made is waited for, and settled with it`, async () => {
      let ending: Promise<unknown> | undefined;
      await db.transaction(async (tx) => {
        assert.equal((await promise(tx)).kind, 'promised');
        ending = db.transaction(end);
        ending.catch(() => {});
        await somebodyWaits();
      });
      await ending;
      assert.equal(await outcome(), as);
      assert.deepEqual(
        (await writesOf(db, delivery)).map(({ state }) => state),
        ['settled'],
      );
    });

    it(`where ${how} first, nothing is promised`, async () => {
      await db.transaction(async (tx) => {
        await end(tx);
        assert.equal((await promise(db)).kind, 'busy');
      });
      assert.equal((await promise(db)).kind, 'lost');
      assert.equal(await outcome(), as);
      assert.equal((await writesOf(db, delivery)).length, 0);
    });
  }

  /** What an overtaken drain reports: it knows of the first step, which its successor found done. */
  const endsBy = (tx: Tx, context: DeliveryContext, promisedAt: string, locked: boolean): Promise<Marked> =>
    endDelivery(tx, createVersionCache(), context, {
      ...{ outcome: 'applied', reason: null, drops: [], durationMs: 1, versions: null, alone: true, locked },
      by: { epoch: earlier, promises: [promisedAt] },
    }).then(({ marked }) => marked);
  const says: Readonly<Record<string, (tx: Tx, context: DeliveryContext, promisedAt: string) => Promise<Marked>>> = {
    'says that it ended': (tx, context, promisedAt) => endsBy(tx, context, promisedAt, false),
    'has read it back': async (tx, context, promisedAt) => {
      await tx.execute(sql`select id from mirrors where id = ${mirror} for update`);
      await tx.execute(sql`select mirror from lanes where mirror = ${mirror} order by to_instance for update`);
      const ref = { instance: 'north', entity: 'ticket', externalId: '7' };
      const newest = { isNewest: true, top: null, begunAt: null };
      const reading = {
        ref,
        snapshot,
        position: { floor: null, high: null, mark: null },
        cursor: null,
        ours: [],
        ends: delivery,
      };
      await rememberReadings.send(tx, [{ ...reading, ...newest, mirrored: true }]);
      return endsBy(tx, context, promisedAt, true);
    },
  };
  for (const [how, say] of Object.entries(says))
    it(`where a drain that was overtaken ${how}, it is not heard, because its successor is just promising the next step`, async () => {
      const first = await promise(db, 0);
      const promisedAt = first.kind === 'promised' ? first.promisedAt : '';
      await db.execute(sql`update writes set state = 'made' where delivery = ${delivery}`);
      const context = await head();
      let saying: Promise<Marked> | undefined;
      await db.transaction(async (tx) => {
        assert.equal((await promise(tx, 1)).kind, 'promised');
        saying = db.transaction((other) => say(other, context, promisedAt));
        saying.catch(() => {});
        await somebodyWaits();
      });
      const { ended, foreign } = must(await saying, 'its outcome');
      assert.deepEqual([ended, foreign, await outcome()], [false, true, null]);
    });

  it('where somebody holds the delivery and leaves it, it is promised a moment later', async () => {
    await db.transaction(async (tx) => {
      await tx.execute(sql`select id from deliveries where id = ${delivery} for update`);
      assert.equal((await promise(db)).kind, 'busy');
    });
    assert.equal((await promise(db)).kind, 'promised');
  });
});
