/**
 * A delivery is ended by somebody at the moment in which its write is promised: either the promise is known to who ends it,
 * or nothing is promised. Each way a delivery ends is tried in both orders.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { must } from '#core/words/must.ts';
import { rows, type Client, type Tx } from '#db/base/client.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { inUnitOfWork, type UnitOfWork } from '#db/base/unit-of-work.ts';
import type { MarkedEnded } from '#db/carry/mark-ended.ts';
import type { Ended } from '#db/carry/outcome.ts';
import { promiseWrite, writesOf, type Promised } from '#db/carry/writes.ts';
import { closeLink } from '#db/links/link-close.ts';
import { rememberReadings } from '#db/log/remember-reading.ts';
import { eraseActions } from '#db/operate/erase.ts';
import { skipDelivery } from '#db/operate/operate.ts';
import { replaceDesk } from '#db/settings/which-desk.ts';
import {
  noteOnTheWay,
  onTheWay as mirror,
  snapshotOf,
  somebodyWaits,
  twoDesks,
  type TwoDesks,
} from '#test/db/mirrored.ts';
import { contextAt, endIn } from './end-head.ts';

const snapshot = snapshotOf('7');

describe('a promise and an end at the same moment', () => {
  let desks: TwoDesks;
  let db: Client;
  let delivery: string;
  let earlier: number;
  let now: number;

  before(async () => {
    desks = await twoDesks('promise-meets-end');
    ({ db } = desks);
  });
  beforeEach(async () => {
    ({ delivery, before: earlier, now } = await noteOnTheWay(desks));
  });
  after(() => desks.close());

  const promise = (tx: Tx | Client, step = 0, epoch = now): Promise<Promised> =>
    promiseWrite(tx, {
      ...{ delivery, step, instance: 'north', entity: 'ticket', epoch, ticket: '7', marker: `${delivery}-${step}` },
      ...{ fingerprints: [], plan: null, timeoutMs: 5_000 },
    });
  const outcome = async (): Promise<unknown> =>
    (await rows<{ outcome: unknown }>(db, sql`select outcome from deliveries where id = ${delivery}`))[0]?.outcome;
  const head = (): Promise<DeliveryContext> => contextAt(db, { mirror, to: 'north' });

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
        await somebodyWaits(db);
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
  const endsBy = (unit: UnitOfWork, context: DeliveryContext, promisedAt: string, locked: boolean): Promise<Ended> =>
    endIn(unit, context, {
      ...{ alone: true, locked },
      by: { epoch: earlier, promises: [promisedAt] },
    });
  const says: Readonly<
    Record<string, (unit: UnitOfWork, context: DeliveryContext, promisedAt: string) => Promise<Ended>>
  > = {
    'says that it ended': (unit, context, promisedAt) => endsBy(unit, context, promisedAt, false),
    'has read it back': async (unit, context, promisedAt) => {
      const { tx } = unit;
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
      return endsBy(unit, context, promisedAt, true);
    },
  };
  for (const [how, say] of Object.entries(says))
    it(`where a drain that was overtaken ${how}, it is not heard, because its successor is just promising the next step`, async () => {
      const first = await promise(db, 0);
      const promisedAt = first.kind === 'promised' ? first.promisedAt : '';
      await db.execute(sql`update writes set state = 'made' where delivery = ${delivery}`);
      const context = await head();
      let saying: Promise<MarkedEnded> | undefined;
      await db.transaction(async (tx) => {
        assert.equal((await promise(tx, 1)).kind, 'promised');
        saying = inUnitOfWork(db, (unit) => say(unit, context, promisedAt)).then(({ marked }) => marked.get());
        saying.catch(() => {});
        await somebodyWaits(db);
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
