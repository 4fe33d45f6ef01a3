import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import { ticketRef } from '#core/words/ref.ts';
import { rows, type Client } from '#db/base/client.ts';
import { ticketGone } from '#db/log/ticket-life.ts';
import {
  isLookedFor,
  lookForStranger,
  neighboursOf,
  noteMissing,
  seenAgain,
  stranger,
  type Missing,
} from '#db/operate/missing.ts';
import {
  emptyLog,
  first,
  putAction,
  putDelivery,
  putMirror,
  snapshotOf,
  twoDesks,
  type TwoDesks,
} from '#test/db/mirrored.ts';
import { endHead } from '#test/db/carry/end-head.ts';

const ticket = ticketRef('north', '9');

describe('a ticket that is not there', () => {
  let desks: TwoDesks;
  let db: Client;
  let mirror: string;
  before(async () => {
    desks = await twoDesks('missing');
    ({ db } = desks);
  });
  beforeEach(async () => {
    await emptyLog(desks);
    mirror = await putMirror(db);
    await read('9');
  });
  after(() => desks.close());

  const read = (id: string, account: string | null = null): Promise<unknown> =>
    db.execute(
      sql`insert into tickets (instance, external_id, snapshot) values ('north', ${id}, ${JSON.stringify(snapshotOf(id, { account }))}::jsonb)`,
    );
  const miss = (beside: boolean): Promise<Missing | null> =>
    db.transaction((tx) => noteMissing(tx, ticket, 'North', beside));
  const earlier = (minutes: number): Promise<unknown> =>
    db.execute(
      sql`update tickets set missing_since = missing_since - make_interval(mins => ${minutes}),
        missing_beside_since = missing_beside_since - make_interval(mins => ${minutes})`,
    );
  const again = (): Promise<readonly string[]> => db.transaction((tx) => seenAgain(tx, ticket, 'North'));
  const notices = async (): Promise<unknown[]> => [
    ...(await rows(
      db,
      sql`select split_part(cause, '/', 1) as cause, cleared_at is not null as over from notices order by 1`,
    )),
  ];

  it('is missing since the first look in vain, and proves something only while its neighbours are seen', async () => {
    await miss(true);
    await earlier(60);
    const both = await miss(true);
    assert.ok(both !== null && both.forMs >= 3_600_000 && (both.besideMs ?? 0) >= 3_600_000);
    const alone = await miss(false);
    assert.ok(alone !== null && alone.forMs >= 3_600_000);
    assert.equal(alone.besideMs, null);
    assert.ok(((await miss(true))?.besideMs ?? Infinity) < 3_600_000, 'what was proven before counts for nothing');
  });

  it('that nobody has read is not noted', async () => {
    await db.execute(sql`delete from tickets`);
    assert.equal(await miss(true), null);
  });

  it('raises a notice after five minutes, which is cleared when the ticket is there again', async () => {
    await miss(true);
    assert.deepEqual(await notices(), []);
    await earlier(5);
    await miss(true);
    await miss(true);
    assert.deepEqual(await notices(), [{ cause: 'missing', over: false }]);
    assert.deepEqual(await again(), []);
    assert.deepEqual(await notices(), [{ cause: 'missing', over: true }]);
    assert.deepEqual(await first(db, sql`select missing_since from tickets`), { missing_since: null });
  });

  it('that is there again opens its mirror, and what was refused because of it is carried, in order, behind what waits', async () => {
    const actions = [
      await putAction(db, { id: mirror }),
      await putAction(db),
      await putAction(db),
      await putAction(db),
    ];
    for (const action of actions) await putDelivery(db, { mirror, action });
    await endHead(db, { mirror, to: 'north' }, { outcome: 'refused', reason: reason('gone', { desk: 'North' }) });
    await endHead(db, { mirror, to: 'north' }, { outcome: 'refused', reason: reason('unmapped-action') });
    await endHead(db, { mirror, to: 'north' }, { outcome: 'refused', reason: reason('gone', { desk: 'North' }) });
    await db.transaction((tx) => ticketGone(tx, ticket, 'North'));
    assert.deepEqual(await again(), ['north']);
    assert.deepEqual(await first(db, sql`select state, close_reason as why from mirrors`), {
      state: 'open',
      why: null,
    });
    const waiting = await rows<{ action: string }>(
      db,
      sql`select action from deliveries where to_instance = 'north' and outcome is null order by seq`,
    );
    assert.deepEqual(
      waiting.map(({ action }) => action),
      [actions[3], actions[0], actions[2]],
    );
    assert.deepEqual(
      await first(
        db,
        sql`select head_seq::int as head, due_at is not null as due from lanes where mirror = ${mirror} and to_instance = 'north'`,
      ),
      { head: 4, due: true },
    );
    assert.deepEqual(
      (await notices()).map((one) => (one as { over: boolean }).over),
      [true, true],
    );
  });

  it('that is there again leaves its mirror closed where a newer one has taken its place', async () => {
    await db.transaction((tx) => ticketGone(tx, ticket, 'North'));
    await putMirror(db, { second: '10' });
    assert.deepEqual(await again(), []);
    assert.deepEqual(await first(db, sql`select state from mirrors where id = ${mirror}`), { state: 'closed' });
  });

  it('is looked for while a mirror needs it, and for thirty days after that closed because of it', async () => {
    const isWanted = (): Promise<boolean> => isLookedFor(db, ticket);
    assert.equal(await isWanted(), true);
    await db.transaction((tx) => ticketGone(tx, ticket, 'North'));
    assert.equal(await isWanted(), true);
    await db.execute(sql`update mirrors set closed_at = now() - interval '31 days'`);
    assert.equal(await isWanted(), false);
    await db.execute(sql`update mirrors set closed_at = now(), close_reason = 'done'`);
    assert.equal(await isWanted(), false);
  });

  it('without a mirror is looked for less and less often, and then no longer', async () => {
    const delays: number[] = [];
    for (let n = 0; n < stranger.looks + 3; n += 1) {
      await lookForStranger(db, ticket);
      const row = await first(db, sql`select extract(epoch from due_at - now())::int as s, times from put_off`);
      delays.push(Number(row?.['s']));
      if (n >= stranger.looks) assert.equal(row?.['times'], stranger.looks);
    }
    assert.ok(
      delays.slice(1, 9).every((delay, n) => delay >= (delays[n] ?? 0)),
      String(delays),
    );
    assert.ok(Math.max(...delays) <= stranger.longestSeconds);
  });

  it('is judged beside others of the same customer first, and never beside one that is missing too', async () => {
    for (const id of ['1', '2', '3']) await read(id, id === '1' ? 'Acme' : 'Other');
    await db.execute(
      sql`update tickets set snapshot = jsonb_set(snapshot, '{account}', '"Acme"') where external_id = '9'`,
    );
    await db.execute(sql`update tickets set read_at = now() - interval '1 day' where external_id = '1'`);
    await db.execute(sql`update tickets set missing_since = now() where external_id = '2'`);
    const beside = await neighboursOf(db, ticket, 2);
    assert.deepEqual(
      beside.map((one) => one.ticket),
      ['1', '3'],
    );
  });
});
