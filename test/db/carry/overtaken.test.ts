import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before as setUp, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { inTransaction } from '#db/base/transaction.ts';
import { beginDrain, endLease, instanceFailed, instanceWorks, renewLease } from '#db/carry/couriers.ts';
import { headOf, type DeliveryContext } from '#db/carry/delivery-context.ts';
import {
  countTry,
  deferLane,
  holdDelivery,
  noteWhy,
  parkLane,
  parkUntilActive,
  setAside,
  type LaneKey,
} from '#db/carry/lanes.ts';
import type { EndedBy } from '#db/carry/mark-ended.ts';
import { endDelivery, type Marked } from '#db/carry/outcome.ts';
import { markAbsent, markMade, promiseWrite, writesOf, type Promised, type PromiseRef } from '#db/carry/writes.ts';
import { promiseSends } from '#db/exchange/hand-over.ts';
import { putOffers, restOffered } from '#db/exchange/put-offers.ts';
import { reason } from '#core/words/reasons.ts';
import { must } from '#core/words/must.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import { addInstance, addLink } from '#test/federation/rig.ts';
import { waitingDelivery } from '#test/support/waiting-delivery.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

const mirror = '01a00000-0000-7000-8000-000000000001';
const lane: LaneKey = { mirror, to: 'north' };
const why = reason('trouble', { desk: 'North', detail: 'the word of a drain that was overtaken' });
const made = { ticketId: '7', actionIds: ['9'] };

describe('what a drain says that was overtaken', () => {
  let database: TestDatabase;
  let connection: Connection;
  let db: Connection['db'];
  let delivery: string;
  /** The drain that was overtaken, and the one that has overtaken it. */
  let before: number;
  let now: number;

  setUp(async () => {
    database = await freshDatabase('overtaken');
    connection = connect(database.url, { max: 3 });
    ({ db } = connection);
    for (const id of ['acme', 'north']) await addInstance(connection, id, 'http://127.0.0.1:1', {});
    await addLink(connection, 'acme-north', 'acme', 'north');
  });
  beforeEach(async () => {
    delivery = randomUUID();
    await connection.sql`truncate offers, writes, deliveries, lanes, mirrors, actions, couriers, attempts cascade`;
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
    before = await beginDrain(db, 'north');
    now = await beginDrain(db, 'north');
  });
  after(async () => {
    await connection.close();
    await database.drop();
  });

  const promised = async (epoch: number, step = 0): Promise<Promised> =>
    promiseWrite(db, {
      delivery,
      step,
      instance: 'north',
      entity: 'ticket',
      epoch,
      ticket: '7',
      marker: `${delivery}-${step}`,
      fingerprints: [],
      plan: null,
      timeoutMs: 5_000,
    });
  const refOf = (promise: Promised, step = 0): PromiseRef => {
    assert.equal(promise.kind, 'promised');
    return {
      delivery,
      step,
      promisedAt: must(promise.kind === 'promised' ? promise.promisedAt : undefined, 'a promise'),
    };
  };
  /** Promised, judged absent, and promised again by the next drain: first theirs, then the new one. */
  const promisedAgain = async (): Promise<readonly [PromiseRef, PromiseRef]> => {
    const theirs = refOf(await promised(now));
    now = await beginDrain(db, 'north');
    assert.ok(await markAbsent(db, theirs));
    return [theirs, refOf(await promised(now))];
  };
  const state = async (): Promise<unknown> => {
    const [row] = await rows(
      db,
      sql`select (select json_agg(to_jsonb(w) order by step) from writes w where delivery = ${delivery}) as writes,
        (select to_jsonb(d) from deliveries d where id = ${delivery}) as delivery,
        (select json_agg(to_jsonb(l) order by to_instance) from lanes l) as lanes,
        (select to_jsonb(c) from couriers c where instance = 'north') as courier,
        (select json_agg(to_jsonb(o)) from offers o) as offers`,
    );
    return row;
  };
  /** False, and nothing at all is changed. */
  const says = async (word: () => Promise<unknown>): Promise<void> => {
    const was = await state();
    assert.equal(await word(), false);
    assert.deepEqual(await state(), was);
  };
  const context = async (): Promise<DeliveryContext> => must(await headOf(db, lane), 'the head of the lane');
  const ends = async (by: EndedBy, outcome: 'refused' | 'applied' = 'refused'): Promise<Marked> => {
    const head = await context();
    const { marked } = await inTransaction(db, (tx) =>
      endDelivery(tx, createVersionCache(), head, {
        outcome,
        reason: why,
        drops: [],
        durationMs: 1,
        versions: null,
        by,
        locked: false,
      }),
    );
    return marked;
  };

  it('"absent" says nothing of the promise that was made after, whose ticket keeps its one open write', async () => {
    const [theirs, ours] = await promisedAgain();
    await says(() => markAbsent(db, theirs));
    assert.deepEqual(
      (await writesOf(db, delivery)).map((row) => row.state),
      ['open'],
    );
    const other = await promiseWrite(db, {
      ...{
        delivery: await waitingDelivery(db, 'north'),
        step: 0,
        instance: 'north',
        entity: 'ticket',
        epoch: now,
        ticket: '7',
      },
      ...{ marker: 'other', fingerprints: [], plan: null, timeoutMs: 5_000 },
    });
    assert.deepEqual(other, { kind: 'busy' });
    assert.ok(await markAbsent(db, ours));
  });

  it('"made" neither settles nor fills in the promise that was made after', async () => {
    const [theirs, ours] = await promisedAgain();
    await says(() => markMade(db, theirs, made));
    assert.ok(await markMade(db, ours, made));
    await says(() => markMade(db, theirs, { ticketId: '8', actionIds: [] }));
  });

  it('about its own promise is heard: also when somebody has judged it absent, and nobody promised again', async () => {
    const theirs = refOf(await promised(now));
    now = await beginDrain(db, 'north');
    assert.ok(await markAbsent(db, theirs));
    assert.ok(await markMade(db, theirs, made));
    assert.deepEqual(
      (await writesOf(db, delivery)).map((row) => [row.state, row.written]),
      [['made', made]],
    );
  });

  it('about the lane or its head changes nothing: no delay, no rest, no try, no reason, no hold, no place aside', async () => {
    await says(() => deferLane(db, lane, before, 60_000));
    await db.execute(sql`update mirrors set paused_at = now()`);
    await says(() => parkLane(db, lane, before));
    await db.execute(sql`update links set state = 'suspended'`);
    await says(() => parkUntilActive(db, lane, before, 'acme-north'));
    await says(() => countTry(db, delivery, lane, before, why));
    await says(() => noteWhy(db, delivery, lane, before, why));
    await says(() => holdDelivery(db, delivery, lane, before, why, 60_000));
    assert.ok(await holdDelivery(db, delivery, lane, now, why, 60_000));
    await says(() => setAside(db, delivery, lane, before));
    assert.ok(await setAside(db, delivery, lane, now));
  });
  it('about its instance changes nothing', async () => {
    await db.execute(
      sql`update couriers set failures = 3, reason = '{"code":"trouble","text":"x"}' where instance = 'north'`,
    );
    await says(() => instanceWorks(db, 'north', before));
    await says(() => renewLease(db, 'north', before));
    await says(async () => (await instanceFailed(connection.db, 'north', before, why, () => 1_000)) !== null);
    await says(async () => (await endLease(db, 'north', before), false));
    assert.ok(await instanceWorks(db, 'north', now));
  });

  it('of an end is ignored once its successor has promised, and without its own promise', async () => {
    const [theirs, ours] = await promisedAgain();
    for (const outcome of ['refused', 'applied'] as const) {
      const was = await state();
      assert.deepEqual(pick(await ends({ epoch: before, promises: [theirs.promisedAt] }, outcome)), [false, true]);
      assert.deepEqual(pick(await ends({ epoch: before, promises: [] }, outcome)), [false, true]);
      assert.deepEqual(await state(), was);
    }
    assert.deepEqual(pick(await ends({ epoch: now, promises: [ours.promisedAt] })), [true, false]);
  });

  it('of an end counts if it rests on a promise that nobody has made again: a drain that left waits for its requests', async () => {
    const theirs = refOf(await promised(now));
    await beginDrain(db, 'north');
    assert.deepEqual(pick(await ends({ epoch: now, promises: [theirs.promisedAt] }, 'applied')), [true, false]);
  });

  it('without a promise is not heard although nobody has promised', async () => {
    assert.deepEqual(pick(await ends({ epoch: before, promises: [] })), [false, true]);
    assert.deepEqual(pick(await ends({ epoch: now, promises: [] })), [true, false]);
  });

  it('promises nothing, hands nothing over and offers nothing', async () => {
    assert.equal((await promised(before)).kind, 'lost');
    assert.equal(await promiseSends(db, { instance: 'north', epoch: before, sends: [{ id: delivery }] }), null);
    assert.deepEqual(
      await promiseSends(db, { instance: 'north', epoch: now, sends: [{ id: delivery }] }),
      new Set([delivery]),
    );
    const offer = { delivery, seq: 1, hash: 'h', action: null, receipt: null };
    await says(() => putOffers(db, 'acme-north', lane, before, [offer]));
    const was = await state();
    await restOffered(db, lane, before, 1);
    assert.deepEqual(await state(), was);
  });

  it('of what a person has ended promises nothing', async () => {
    await db.execute(sql`update deliveries set outcome = 'skipped', ended_at = now() where id = ${delivery}`);
    assert.equal((await promised(now)).kind, 'lost');
    assert.deepEqual(await promiseSends(db, { instance: 'north', epoch: now, sends: [{ id: delivery }] }), new Set());
  });

  it('does not park the lane of a mirror that was resumed meanwhile', async () => {
    assert.ok(await parkLane(db, lane, now));
    assert.ok(await parkUntilActive(db, lane, now, 'acme-north'));
    const [row] = await rows(db, sql`select due_at < 'infinity' as due from lanes where to_instance = 'north'`);
    assert.deepEqual(row, { due: true });
  });
});

function pick({ ended, foreign }: Marked): readonly [boolean, boolean] {
  return [ended, foreign];
}
