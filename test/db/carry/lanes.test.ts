import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows, type Client } from '#db/base/client.ts';
import { settleLane } from '#db/carry/lanes.ts';
import { putAction, putMirror, somebodyWaits, twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

describe('a lane that is settled', () => {
  let desks: TwoDesks;
  let db: Client;
  let mirror: string;
  before(async () => {
    desks = await twoDesks('lanes');
    ({ db } = desks);
    mirror = await putMirror(db);
    await putAction(db, { id: mirror });
    await db.execute(sql`update lanes set due_at = now() where mirror = ${mirror} and to_instance = 'north'`);
  });
  after(() => desks.close());

  const lane = async (): Promise<{ due: boolean; head: number; last: number } | undefined> =>
    (
      await rows<{ due: boolean; head: number; last: number }>(
        db,
        sql`select due_at is not null as due, head_seq::int as head, last_seq::int as last from lanes where mirror = ${mirror} and to_instance = 'north'`,
      )
    )[0];

  it('stays due when an action is logged on it at the same moment', async () => {
    let settling: Promise<unknown> | undefined;
    await db.transaction(async (tx) => {
      await tx.execute(
        sql`update lanes set last_seq = 1, due_at = coalesce(due_at, now()) where mirror = ${mirror} and to_instance = 'north'`,
      );
      await tx.execute(sql`insert into deliveries (mirror, to_instance, seq, kind, action)
        values (${mirror}, 'north', 1, 'action', ${mirror})`);
      // A query runs each time it is awaited, so it is awaited once.
      settling = Promise.resolve(db.execute(settleLane(mirror, 'north')));
      await somebodyWaits(db);
    });
    await settling;
    assert.deepEqual(await lane(), { due: true, head: 1, last: 1 });
  });

  it('rests when nothing waits', async () => {
    await db.execute(
      sql`update deliveries set outcome = 'skipped', reason = '{"code":"no-op"}' where mirror = ${mirror} and to_instance = 'north'`,
    );
    await db.execute(settleLane(mirror, 'north'));
    assert.deepEqual(await lane(), { due: false, head: 2, last: 1 });
  });
});
