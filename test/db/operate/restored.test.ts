import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows, type Client } from '#db/base/client.ts';
import { quarantineInstance } from '#db/log/quarantine.ts';
import { endQuarantine, ticketsToVerify, type EndedQuarantine, type Verified } from '#db/operate/restored.ts';
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

const keptAt = new Date(Date.now() - 3_600_000).toISOString();
const same: Verified = { ticket: '9', verdict: 'same', lost: [], keptTo: '2', keptAt };

describe('a desk that was restored, once somebody has looked', () => {
  let desks: TwoDesks;
  let db: Client;
  let mirror: string;
  before(async () => {
    desks = await twoDesks('restored');
    ({ db } = desks);
  });
  beforeEach(async () => {
    await emptyLog(desks);
    await db.execute(sql`update instances set quarantined_at = null`);
    mirror = await putMirror(db);
    for (const externalId of ['1', '2', '3'])
      await putAction(db, { instance: 'north', ticket: '9', externalId, note: externalId });
    await db.execute(
      sql`insert into tickets (instance, external_id, floor, high, cursor, snapshot) values
        ('north', '9', '3', '3', now(), ${JSON.stringify(snapshotOf('9'))}::jsonb), ('north', '50', '7', null, now(), null)`,
    );
    await quarantineInstance(db, 'north', 'It went back.');
    const action = await putAction(db, { id: mirror });
    await putDelivery(db, { mirror, action });
    await db.execute(sql`update lanes set due_at = 'infinity' where due_at is not null`);
  });
  after(() => desks.close());

  const end = (verified: readonly Verified[] = [same], cursor = '5'): Promise<EndedQuarantine | null> =>
    db.transaction((tx) => endQuarantine(tx, 'north', verified, cursor));
  const ids = async (): Promise<string[]> =>
    (
      await rows<{ id: string }>(db, sql`select external_id as id from actions where instance = 'north' order by note`)
    ).map(({ id }) => id);

  it('is looked at with all that the log knows of the tickets that are mirrored', async () => {
    const [found, ...others] = await ticketsToVerify(db, 'north');
    assert.deepEqual([found?.ticket, found?.summary, others], ['9', 'VPN', []]);
    assert.deepEqual(found?.known.map(({ id, by, note }) => [id, by, note]).toSorted(), [
      ['1', 'Ann', '1'],
      ['2', 'Ann', '2'],
      ['3', 'Ann', '3'],
    ]);
  });

  it('continues: what waited is due, its feed is read from the backup on, and the all-clear is given', async () => {
    assert.deepEqual(await end(), { paused: [], wake: ['north'] });
    assert.deepEqual(
      await first(
        db,
        sql`select (select quarantined_at from instances where id = 'north') as quarantined, (select cursor from feeds where instance = 'north') as cursor,
          (select due_at < 'infinity' from lanes where to_instance = 'north') as due, (select bool_and(cleared_at is not null) from notices) as cleared,
          (select array_agg(ticket) from put_off) as read`,
      ),
      { quarantined: null, cursor: '5', due: true, cleared: true, read: ['9'] },
    );
    assert.equal(await end(), null, 'it is in no quarantine any more');
  });

  it('may give an id a second time: what it has lost keeps its place in the log under another name', async () => {
    await end([{ ...same, verdict: 'behind', lost: ['3'] }]);
    const [one, two, three] = await ids();
    assert.deepEqual([one, two], ['1', '2']);
    assert.match(three ?? '', /^3@\d{14}$/);
    await putAction(db, { instance: 'north', ticket: '9', externalId: '3', note: '4' });
    assert.deepEqual(await first(db, sql`select floor, high from tickets where external_id = '9'`), {
      floor: '2',
      high: null,
    });
  });

  it('has the mirror paused whose ticket has become another one, or is not there, with a notice', async () => {
    for (const verdict of ['other', 'missing'] as const) {
      await db.execute(sql`update mirrors set paused_at = null`);
      await db.execute(sql`update lanes set due_at = 'infinity' where to_instance = 'north'`);
      await quarantineInstance(db, 'north', 'Again.');
      const ended = await end([{ ...same, verdict, lost: ['1', '2', '3'], keptTo: null, keptAt: null }]);
      assert.deepEqual(ended, { paused: [mirror], wake: [] });
      assert.deepEqual(await first(db, sql`select pause_reason as why, paused_at is not null as paused from mirrors`), {
        why: 'desk-restored',
        paused: true,
      });
      assert.deepEqual(
        await first(
          db,
          sql`select count(*)::int as n from notices where cause = ${`desk-restored/${mirror}`} and cleared_at is null`,
        ),
        { n: 1 },
      );
      await db.execute(sql`delete from actions where instance = 'north'`);
    }
  });

  it('has its other tickets read as if for the first time, from the backup on', async () => {
    await end();
    assert.deepEqual(
      (await rows(db, sql`select external_id as id from tickets where instance = 'north'`)).map(({ id }) => id),
      ['9'],
    );
    const row = await first(db, sql`select forgotten_to from instances where id = 'north'`);
    assert.equal(new Date(String(row?.['forgotten_to'])).toISOString(), keptAt);
  });
});
