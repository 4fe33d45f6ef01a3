import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { ReceiptView } from '#core/conversation/receipt.ts';
import { reason } from '#core/words/reasons.ts';
import type { Client } from '#db/base/client.ts';
import { alreadyNotified, isReferenceUnderWay, putReceipt, tellRemote } from '#db/log/receipts.ts';
import { emptyLog, first, putAction, putDelivery, putMirror, twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

const refusal: ReceiptView = {
  ...{ outcome: 'refused', farNumber: null, farUrl: null, farName: 'North', escalation: false },
  reason: reason('unmapped-action', { desk: 'North', name: 'Call' }),
  action: { author: { name: 'Ann', role: 'agent' }, at: new Date().toISOString(), kind: 'Call' },
};

describe('a receipt', () => {
  let desks: TwoDesks;
  let db: Client;
  let mirror: string;
  before(async () => {
    desks = await twoDesks('receipts');
    ({ db } = desks);
  });
  beforeEach(async () => {
    await emptyLog(desks);
    mirror = await putMirror(db);
  });
  after(() => desks.close());

  /** The next receipt on the lane to acme. Returns its delivery's id. */
  const put = async (over: Partial<ReceiptView> = {}): Promise<string> => {
    await putReceipt(db, { mirror, to: 'acme', action: await putAction(db), receipt: { ...refusal, ...over } });
    const row = await first(db, sql`select id from deliveries where mirror = ${mirror} order by seq desc limit 1`);
    return String(row?.['id']);
  };
  const ended = (id: string, ago = '1 minute'): Promise<unknown> =>
    db.execute(sql`update deliveries set outcome = 'applied', ended_at = now() - ${ago}::interval where id = ${id}`);

  it('of the same refusal to the same author was told already, for a day, once it has arrived', async () => {
    const told = await put();
    const again = await put();
    assert.equal(await alreadyNotified(db, again), false, 'the first has not arrived yet');
    await ended(told);
    assert.equal(await alreadyNotified(db, again), true);
    await ended(told, '25 hours');
    assert.equal(await alreadyNotified(db, again), false);
  });

  it('of another reason, author or sort of action, or of what was not refused, was not', async () => {
    await ended(await put());
    const others: readonly Partial<ReceiptView>[] = [
      { reason: reason('closed', { desk: 'North' }) },
      { action: { ...refusal.action, author: { name: 'Bea', role: 'agent' } } },
      { action: { ...refusal.action, kind: 'Note' } },
      { outcome: 'applied' },
    ];
    for (const over of others) assert.equal(await alreadyNotified(db, await put(over)), false, JSON.stringify(over));
  });

  it('that brings the number of the far ticket is under way until it has ended', async () => {
    assert.equal(await isReferenceUnderWay(db, mirror, 'acme'), false);
    const id = await put({ outcome: 'applied', escalation: true, farNumber: '9' });
    assert.equal(await isReferenceUnderWay(db, mirror, 'acme'), true);
    assert.equal(await isReferenceUnderWay(db, mirror, 'north'), false);
    await ended(id);
    assert.equal(await isReferenceUnderWay(db, mirror, 'acme'), false);
  });

  it('of what a person has ended is for another gateway only, which asks for every outcome', async () => {
    const delivery = await putDelivery(db, { mirror, action: await putAction(db) });
    const count = (): Promise<unknown> =>
      first(db, sql`select count(*)::int as n from deliveries where kind = 'receipt' and to_instance = 'acme'`);
    await tellRemote(db, delivery, 'skipped', reason('dropped'));
    assert.deepEqual(await count(), { n: 0 });
    await db.execute(sql`update instances set type = 'peer' where id = 'acme'`);
    await tellRemote(db, delivery, 'skipped', reason('dropped'));
    await db.execute(sql`update instances set type = 'rt' where id = 'acme'`);
    assert.deepEqual(await count(), { n: 1 });
  });

  it('takes the next place on its lane, also where two are put at once', async () => {
    await Promise.all([put(), put(), put()].map((one) => one.catch(() => undefined)));
    const seqs = sql`select array_agg(seq::int order by seq) as seqs from deliveries where mirror = ${mirror}`;
    assert.deepEqual(await first(db, seqs), { seqs: [1, 2, 3] });
    assert.deepEqual(
      await first(
        db,
        sql`select last_seq::int as last, due_at is not null as due from lanes where to_instance = 'acme'`,
      ),
      { last: 3, due: true },
    );
  });
});
