import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Client } from '#db/base/client.ts';
import { dueLanes, type ClaimInput } from '#db/carry/claim-lanes.ts';
import { beginDrain } from '#db/carry/couriers.ts';
import { emptyLog, putAction, putDelivery, putMirror, twoDesks, type TwoDesks } from '#test/db/mirrored.ts';
import { addLink } from '#test/federation/rig.ts';

describe('a claim of lanes', () => {
  let desks: TwoDesks;
  let db: Client;
  let epoch: number;
  before(async () => {
    desks = await twoDesks('claim_lanes', { more: ['west'] });
    ({ db } = desks);
    await addLink(desks.connection, 'west-north', 'west', 'north');
  });
  beforeEach(async () => {
    await emptyLog(desks);
    epoch = await beginDrain(db, 'north');
  });
  after(() => desks.close());

  /** A mirror of this ticket with a note on its way to north, due so many seconds ago. Returns the mirror's id. */
  const due = async (first: string, secondsAgo: number, link = 'acme-north'): Promise<string> => {
    const customer = link === 'acme-north' ? 'acme' : 'west';
    const mirror = await putMirror(db, { link, customer, first, second: first });
    await putDelivery(db, { mirror, action: await putAction(db, { instance: customer, ticket: first }) });
    await db.execute(
      sql`update lanes set due_at = now() - make_interval(secs => ${secondsAgo}) where mirror = ${mirror} and to_instance = 'north'`,
    );
    return mirror;
  };
  const claimed = async (input: Partial<ClaimInput> = {}): Promise<string[] | null> =>
    (await dueLanes(db, { instance: 'north', epoch, busy: [], limit: 10, ...input }))?.map(({ mirror }) => mirror) ??
    null;

  it('by a drain that has lost its epoch finds nothing, and by its successor all', async () => {
    const lane = await due('1', 1);
    const successor = await beginDrain(db, 'north');
    assert.equal(await claimed(), null);
    assert.deepEqual(await claimed({ epoch: successor }), [lane]);
  });

  it('finds those that have waited longest, and none that is carried, not due, or on a link left out', async () => {
    const [late, later, busy] = [await due('1', 10), await due('2', 20), await due('3', 30)];
    const noisy = await due('4', 40, 'west-north');
    await due('5', -60);
    assert.deepEqual(await claimed({ limit: 2 }), [noisy, busy]);
    assert.deepEqual(await claimed({ busy: [busy], withoutLinks: ['west-north'] }), [later, late]);
  });

  it('finds the head alone, however much waits after it', async () => {
    const mirror = await due('1', 1);
    await desks.connection.sql`
      insert into deliveries (mirror, to_instance, seq, kind, action)
      select ${mirror}, 'north', 1 + n, 'action', uuidv7() from generate_series(1, 2000) n`;
    await db.execute(sql`update lanes set last_seq = 2001 where mirror = ${mirror} and to_instance = 'north'`);
    const found = await dueLanes(db, { instance: 'north', epoch, busy: [], limit: 10 });
    assert.deepEqual(
      found?.map(({ head, place }) => [head?.delivery.seq, place.lastSeq]),
      [[1, 2001]],
    );
  });

  it('finds a lane on which nothing waits after all without a head, so that the drain lets it rest', async () => {
    const mirror = await due('1', 1);
    await db.execute(sql`update deliveries set outcome = 'skipped' where mirror = ${mirror}`);
    const found = await dueLanes(db, { instance: 'north', epoch, busy: [], limit: 10 });
    assert.deepEqual(
      found?.map(({ mirror: id, head }) => [id, head]),
      [[mirror, null]],
    );
  });
});
