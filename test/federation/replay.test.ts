import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { notifyLanes } from '#db/carry/couriers.ts';
import { replayDelivery, type Replayed } from '#db/operate/replay.ts';
import { until } from '#test/support/wait.ts';
import { count } from './desk-notes.ts';
import { opened, startRig, type Rig, type RigDesk } from './rig.ts';

describe('what was refused while a rule was missing', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('replay');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    await rig.startWorker();
    await rig.live();
  });
  after(() => rig.close());

  /** Settings of the supplier's side from now on. */
  const change = async (to: ReturnType<typeof sql>): Promise<void> => {
    const { db } = rig.connection;
    await db.execute(
      sql`insert into settings (side, version, settings, changed_by)
        select side, version + 1, ${to}, 'test' from settings where side = 'acme-north/supplier' order by version desc limit 1`,
    );
    await db.execute(
      sql`update sides set settings_version = (select max(version) from settings where side = sides.id) where id = 'acme-north/supplier'`,
    );
  };
  const replay = async (id: string): Promise<Replayed> => {
    const { db } = rig.connection;
    const done = await db.transaction((tx) => replayDelivery(tx, id));
    if (done.done) await notifyLanes(db, [done.to]);
    return done;
  };

  it('arrives once the rule exists and somebody retries it, exactly once, with the time when it was written', async () => {
    const { ticket, far } = await opened(acme, north);
    await rig.settled();
    const [settings] = await rows<{ text: string }>(
      rig.connection.db,
      sql`select settings::text as text from settings where side = 'acme-north/supplier' order by version desc limit 1`,
    );
    await change(sql`jsonb_set(settings #- '{inbound,actionDefault}', '{inbound,actions}', '[]')`);
    await acme.act(ticket, { note: '<p>m1</p>', status: 'waiting' });
    const refused = await until(
      async () =>
        (await rows<{ id: string }>(rig.connection.db, sql`select id from deliveries where outcome = 'refused'`))[0]
          ?.id,
      { what: 'the refusal', timeoutMs: 60_000 },
    );
    await change(sql`${settings?.text}::jsonb`);
    await acme.act(ticket, { note: '<p>m2</p>', status: 'open' });
    await until(() => (count(north, far, 'm2') === 1 ? true : undefined), { what: 'm2', timeoutMs: 60_000 });
    assert.equal((await replay(refused)).done, true);
    await until(() => (count(north, far, 'm1') === 1 ? true : undefined), { what: 'm1', timeoutMs: 60_000 });
    await rig.settled();
    assert.equal(count(north, far, 'm1'), 1);
    assert.equal(north.ticket(far).status, 'open', 'what was said since is newer');
    assert.equal((await replay(refused)).done, false, 'it is no longer refused');
  });

  it('is not an escalation, which opens nothing afterwards, nor what nobody refused', async () => {
    const ticket = await acme.open();
    await north.fault({ on: 'open', kind: 'refuse', times: 1 });
    await acme.escalate(ticket);
    const refused = await until(
      async () =>
        (
          await rows<{ id: string }>(
            rig.connection.db,
            sql`select id from deliveries where outcome = 'refused' and escalation`,
          )
        )[0]?.id,
      { what: 'the refusal', timeoutMs: 60_000 },
    );
    assert.deepEqual(await replay(refused), { done: false, why: 'opens' });
    const [applied] = await rows<{ id: string }>(
      rig.connection.db,
      sql`select id from deliveries where outcome = 'applied' limit 1`,
    );
    assert.deepEqual(await replay(applied?.id ?? ''), { done: false, why: 'not-refused' });
    assert.deepEqual(await replay('01990000-0000-7000-8000-000000000000'), { done: false, why: 'unknown' });
  });
});
