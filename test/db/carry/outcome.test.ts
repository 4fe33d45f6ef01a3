import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import { rows, type Client } from '#db/base/client.ts';
import { raiseNotice } from '#db/base/notices.ts';
import type { LaneKey } from '#db/carry/lanes.ts';
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
import { contextAt, endAt, endHead } from './end-head.ts';

const refusal = reason('refused-by-desk', { desk: 'North', name: 'closed', detail: 'No.' });
const opened = { ticketId: '77', number: 'NW-77', url: 'http://north.test/77' };

describe('the end of a delivery', () => {
  let desks: TwoDesks;
  let db: Client;
  let mirror: string;
  let lane: LaneKey;
  before(async () => {
    desks = await twoDesks('outcome');
    ({ db } = desks);
  });
  beforeEach(() => emptyLog(desks));
  after(() => desks.close());

  /** A mirror whose first delivery is its escalation, and notes after it. */
  const escalated = async (notes = 0): Promise<void> => {
    mirror = await putMirror(db, { state: 'opening' });
    lane = { mirror, to: 'north' };
    const action = await putAction(db, { id: mirror, words: { kind: 'Escalate', fields: {} } });
    await putDelivery(db, { mirror, action, escalation: true });
    for (let n = 0; n < notes; n += 1) await putDelivery(db, { mirror, action: await putAction(db) });
  };
  /** A mirror that is open, with so many notes on its way to north. */
  const open = async (notes = 1): Promise<void> => {
    mirror = await putMirror(db);
    lane = { mirror, to: 'north' };
    for (let n = 0; n < notes; n += 1) await putDelivery(db, { mirror, action: await putAction(db) });
  };
  const mirrorRow = (): Promise<unknown> =>
    first(db, sql`select state, second_ticket as ticket, second_number as number from mirrors where id = ${mirror}`);
  const outcomes = (to: string): Promise<unknown[]> =>
    rows(
      db,
      sql`select kind, outcome, reason->>'code' as code from deliveries where mirror = ${mirror} and to_instance = ${to} order by seq`,
    ).then((found) => [...found]);
  const receipts = (): Promise<unknown[]> =>
    rows(
      db,
      sql`select receipt->>'outcome' as outcome, receipt->'reason'->>'code' as code, receipt->>'farNumber' as number,
          (receipt->>'escalation')::boolean as escalation
        from deliveries where mirror = ${mirror} and to_instance = 'acme' and kind = 'receipt' order by seq`,
    ).then((found) => [...found]);
  const laneTo = (to: string): Promise<unknown> =>
    first(
      db,
      sql`select due_at is not null as due, head_seq::int as head, last_seq::int as last from lanes where mirror = ${mirror} and to_instance = ${to}`,
    );

  it('of an escalation binds the ticket that it opened, tells its desk the number, and takes back the alarm', async () => {
    await escalated(1);
    await raiseNotice(db, { link: 'acme-north', cause: `overdue/${mirror}`, text: 'overdue' });
    const { ended, wake, isLast } = await endHead(db, lane, { opened });
    assert.deepEqual([ended, wake, isLast], [true, ['acme'], false]);
    assert.deepEqual(await mirrorRow(), { state: 'open', ticket: '77', number: 'NW-77' });
    assert.deepEqual(await receipts(), [
      { outcome: 'applied', code: 'applied-as-is', number: 'NW-77', escalation: true },
    ]);
    assert.deepEqual(await first(db, sql`select cleared_at is not null as cleared from notices`), { cleared: true });
    assert.deepEqual(await laneTo('acme'), { due: true, head: 1, last: 1 });
    assert.deepEqual(await laneTo('north'), { due: true, head: 2, last: 2 });
  });

  it('of an escalation that is refused ends what waits for it, under one receipt, and leaves nothing due', async () => {
    await escalated(2);
    assert.equal((await endHead(db, lane, { outcome: 'refused', reason: refusal })).ended, true);
    assert.deepEqual(await outcomes('north'), [
      { kind: 'action', outcome: 'refused', code: 'refused-by-desk' },
      { kind: 'action', outcome: 'skipped', code: 'not-opened' },
      { kind: 'action', outcome: 'skipped', code: 'not-opened' },
    ]);
    assert.deepEqual(await receipts(), [
      { outcome: 'refused', code: 'refused-by-desk', number: null, escalation: true },
    ]);
    assert.deepEqual(await mirrorRow(), { state: 'refused', ticket: null, number: null });
    assert.deepEqual(await laneTo('north'), { due: false, head: 4, last: 3 });
  });

  it('of an escalation in shadow mode opens the mirror without a ticket', async () => {
    await escalated();
    await db.execute(sql`update mirrors set shadow = true where id = ${mirror}`);
    await endHead(db, lane, { outcome: 'skipped', reason: reason('shadow') });
    assert.deepEqual(await mirrorRow(), { state: 'open', ticket: null, number: null });
    assert.deepEqual(await receipts(), []);
  });

  it('of a second escalation changes nothing about the mirror that the first has opened', async () => {
    await escalated();
    await endHead(db, lane, { opened });
    const again = await putAction(db, { words: { kind: 'Escalate', fields: {} } });
    await putDelivery(db, { mirror, action: again, escalation: true });
    await putDelivery(db, { mirror, action: await putAction(db) });
    await endHead(db, lane, { outcome: 'refused', reason: reason('already-escalated', { number: 'NW-77' }) });
    assert.deepEqual(await mirrorRow(), { state: 'open', ticket: '77', number: 'NW-77' });
    assert.deepEqual((await outcomes('north'))[2], { kind: 'action', outcome: null, code: null });
  });

  it('that two say at once is said once: one outcome, one attempt, one receipt', async () => {
    await open();
    const context = await contextAt(db, lane);
    const refused = { outcome: 'refused', reason: refusal } as const;
    const both = await Promise.all([endAt(db, context, refused), endAt(db, context, { outcome: 'applied' })]);
    assert.equal(both.filter(({ ended }) => ended).length, 1);
    const counts = sql`select (select count(*) from attempts)::int as attempts,
      (select attempts from deliveries where kind = 'action')::int as tries, (select count(*) from deliveries where kind = 'receipt')::int as receipts`;
    const told = both[0]?.ended === true ? 1 : 0;
    assert.deepEqual(await first(db, counts), { attempts: 1, tries: 1, receipts: told });
    assert.equal((await endAt(db, context, refused)).ended, false);
    assert.deepEqual(await first(db, counts), { attempts: 1, tries: 1, receipts: told });
  });

  it('leaves its lane due where an action is logged on it at the same moment', async () => {
    await open();
    const context = await contextAt(db, lane);
    const next = await putAction(db);
    let ending: ReturnType<typeof endAt> | undefined;
    await db.transaction(async (tx) => {
      await putDelivery(tx, { mirror, action: next });
      ending = endAt(db, context);
      ending.catch(() => {});
      await somebodyWaits(db);
    });
    assert.deepEqual([(await ending)?.ended, (await ending)?.isLast], [true, false]);
    assert.deepEqual(await laneTo('north'), { due: true, head: 2, last: 2 });
  });

  it('is told to an agent whose change was overtaken, and not to a machine', async () => {
    const overtaken = { outcome: 'skipped', reason: reason('overtaken', { desk: 'North' }) } as const;
    await open(2);
    await db.execute(
      sql`update actions set author = '{"name":"Bot","role":"automation"}' where id = (select action from deliveries where mirror = ${mirror} and seq = 2)`,
    );
    await endHead(db, lane, overtaken);
    assert.deepEqual(await receipts(), [{ outcome: 'skipped', code: 'overtaken', number: null, escalation: false }]);
    await endHead(db, lane, overtaken);
    assert.equal((await receipts()).length, 1);
  });

  it('is told to another gateway whatever it is', async () => {
    await open(2);
    await db.execute(sql`update instances set type = 'peer' where id = 'acme'`);
    try {
      await endHead(db, lane);
      await endHead(db, lane, { outcome: 'skipped', reason: reason('no-op') });
    } finally {
      await db.execute(sql`update instances set type = 'rt' where id = 'acme'`);
    }
    assert.deepEqual(
      (await receipts()).map((one) => (one as { outcome: string }).outcome),
      ['applied', 'skipped'],
    );
  });
});
