import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import type { Client } from '#db/base/client.ts';
import { raiseNotice } from '#db/base/notices.ts';
import { beginDrain } from '#db/carry/couriers.ts';
import { holdDelivery, setAside } from '#db/carry/lanes.ts';
import { releaseDelivery, resumeMirror, retryInstance, skipDelivery, type Operated } from '#db/operate/operate.ts';
import {
  emptyLog,
  first,
  putAction,
  putDelivery,
  putMirror,
  somebodyWaits,
  twoDesks,
  type TwoDesks,
} from '#test/db/mirrored.ts';
import { contextAt, endAt } from '#test/db/carry/end-head.ts';

const why = reason('late-mail');

describe('what a person does to what waits', () => {
  let desks: TwoDesks;
  let db: Client;
  let mirror: string;
  let head: string;
  let epoch: number;
  before(async () => {
    desks = await twoDesks('by_hand');
    ({ db } = desks);
  });
  beforeEach(async () => {
    await emptyLog(desks);
    mirror = await putMirror(db);
    head = await putDelivery(db, { mirror, action: await putAction(db, { id: mirror }) });
    await putDelivery(db, { mirror, action: await putAction(db) });
    epoch = await beginDrain(db, 'north');
  });
  after(() => desks.close());

  const lane = (): Promise<unknown> =>
    first(
      db,
      sql`select head_seq::int as head, due_at <= now() as due from lanes where mirror = ${mirror} and to_instance = 'north'`,
    );
  const hold = (): Promise<boolean> => holdDelivery(db, head, { mirror, to: 'north' }, epoch, why, 900_000);
  const release = (): Promise<Operated> => db.transaction((tx) => releaseDelivery(tx, head));
  const skip = (id = head): Promise<Operated> => db.transaction((tx) => skipDelivery(tx, id));

  it('release: what was set aside heads its lane again at once, ahead of what came after it', async () => {
    await hold();
    await setAside(db, head, { mirror, to: 'north' }, epoch);
    assert.deepEqual(await lane(), { head: 2, due: true });
    assert.deepEqual(await release(), { done: true, to: 'north', before: { held: true, reason: why } });
    assert.deepEqual(await lane(), { head: 1, due: true });
    const { delivery } = await contextAt(db, { mirror, to: 'north' });
    assert.deepEqual([delivery.id, delivery.heldAt, delivery.releasedAt !== null], [head, null, true]);
  });

  it('release: what is not held, has ended, or is not there is said to be so, and nothing is changed', async () => {
    assert.deepEqual(await release(), { done: false, why: 'not-held' });
    await skip();
    assert.deepEqual(await release(), { done: false, why: 'ended' });
    const unknown = await db.transaction((tx) => releaseDelivery(tx, '01a00000-0000-7000-8000-00000000ffff'));
    assert.deepEqual(unknown, { done: false, why: 'unknown' });
  });

  it('skip: of a person and a drain that end it at once, one is heard', async () => {
    const context = await contextAt(db, { mirror, to: 'north' });
    const [byHand, byDrain] = await Promise.all([skip(), endAt(db, context, { by: { epoch, promises: [] } })]);
    assert.equal([byHand.done, byDrain.ended].filter(Boolean).length, 1);
    assert.deepEqual(await first(db, sql`select outcome from deliveries where id = ${head}`), {
      outcome: byHand.done ? 'skipped' : 'applied',
    });
    assert.deepEqual(await lane(), { head: 2, due: true });
  });

  it('skip: an escalation that is dropped opens nothing, and what waits for it ends with it', async () => {
    await db.execute(sql`update mirrors set state = 'opening', second_ticket = null`);
    await db.execute(sql`update deliveries set escalation = true where id = ${head}`);
    await skip();
    assert.deepEqual(
      await first(
        db,
        sql`select (select state from mirrors) as state, array_agg(outcome || ' ' || (reason->>'code') order by seq) as ends from deliveries`,
      ),
      { state: 'refused', ends: ['skipped dropped', 'skipped not-opened'] },
    );
    assert.equal(((await lane()) as { due: boolean | null }).due, null);
  });

  it('resume: a mirror continues with its turns forgotten, and the lane that is parked at that moment is due too', async () => {
    await db.execute(
      sql`update mirrors set paused_at = now(), pause_reason = 'ping-pong', turns = '[{"at":"x","to":"north"}]'`,
    );
    await raiseNotice(db, { link: 'acme-north', cause: `ping-pong/${mirror}`, text: 'ping-pong' });
    let resuming: ReturnType<typeof resumeMirror> | undefined;
    await db.transaction(async (tx) => {
      await tx.execute(sql`update lanes set due_at = 'infinity' where mirror = ${mirror} and to_instance = 'north'`);
      resuming = db.transaction((other) => resumeMirror(other, mirror));
      resuming.catch(() => {});
      await somebodyWaits(db);
    });
    assert.deepEqual(await resuming, { reason: 'ping-pong', wake: ['acme', 'north'] });
    assert.deepEqual(await lane(), { head: 1, due: true });
    assert.deepEqual(
      await first(
        db,
        sql`select turns, (select bool_and(cleared_at is not null) from notices) as cleared from mirrors`,
      ),
      { turns: [], cleared: true },
    );
    assert.equal(await db.transaction((tx) => resumeMirror(tx, mirror)), null, 'it is not paused any more');
  });

  it('retry: everything of an instance is tried at once, but what is parked stays parked', async () => {
    await hold();
    const parked = await putMirror(db, { first: '2', second: '10' });
    await putDelivery(db, { mirror: parked, action: await putAction(db) });
    await db.execute(sql`update lanes set due_at = 'infinity' where mirror = ${parked} and to_instance = 'north'`);
    await db.execute(sql`update couriers set retry_at = now() + interval '1 hour', failures = 5`);
    assert.equal(await db.transaction((tx) => retryInstance(tx, 'north')), 1);
    assert.deepEqual(await lane(), { head: 1, due: true });
    assert.deepEqual(await first(db, sql`select retry_at, failures from couriers`), { retry_at: null, failures: 0 });
    assert.deepEqual(
      await first(
        db,
        sql`select due_at = 'infinity' as parked from lanes where mirror = ${parked} and to_instance = 'north'`,
      ),
      { parked: true },
    );
    assert.equal((await contextAt(db, { mirror, to: 'north' })).delivery.heldAt, null);
    assert.equal(await db.transaction((tx) => retryInstance(tx, 'nobody')), null);
  });
});
