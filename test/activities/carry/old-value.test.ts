/** What a database that was put back decides again must not bring an old value over a newer one that the desk has. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { startDesks, type DeskRig } from '#test/activities/desk-rig.ts';
import { until } from '#test/support/wait.ts';

describe('a value that left nothing to do before the database was restored', () => {
  let rig: DeskRig;
  let ticket: string;
  let far: string;
  before(async () => {
    rig = await startDesks('old_value', { options: { settleMs: 100, writeTimeoutMs: 2_000 } });
  });
  beforeEach(async () => {
    await rig.connection.sql`update links set resumed_at = null`;
    ({ ticket, far } = await rig.opened());
  });
  after(() => rig.close());

  const waiting = async (): Promise<number> =>
    (await rows(rig.db, sql`select 1 as one from deliveries where outcome is null`)).length;
  const carryAll = (): Promise<unknown> =>
    until(
      async () => {
        await rig.connection.sql`update couriers set retry_at = null`;
        await rig.connection.sql`update lanes set due_at = now() where due_at > now()`;
        await rig.drain(rig.north);
        await rig.drain(rig.acme);
        return (await waiting()) === 0 ? true : undefined;
      },
      { what: 'everything to be carried' },
    );
  const outcomes = async (): Promise<unknown[]> => [
    ...(await rows(
      rig.db,
      sql`select d.outcome, d.reason->>'code' as code from deliveries d join mirrors m on m.id = d.mirror
        where m.first_ticket = ${ticket} and d.to_instance = 'north' and not d.escalation order by d.seq`,
    )),
  ];
  /** The database is as before these deliveries: what it knew of them and of its writes is gone. */
  const forget = async (): Promise<void> => {
    await rig.db.execute(
      sql`with again as (
          update deliveries d set outcome = null, reason = null, drops = null, ended_at = null from mirrors m
          where m.id = d.mirror and m.first_ticket = ${ticket} and d.to_instance = 'north' and not d.escalation
          returning d.id, d.mirror, d.seq
        ), written as (delete from writes where delivery in (select id from again)),
        ids as (delete from written_ids where delivery in (select id from again))
        update lanes l set head_seq = (select min(seq) from again), due_at = now()
        where l.to_instance = 'north' and l.mirror = (select mirror from again limit 1)`,
    );
    await rig.connection.sql`update links set resumed_at = now()`;
  };
  const sets = {
    status: (value: string) => ({ note: null, status: value }),
    field: (value: string) => ({ note: null, fields: { Ref: value } }),
  } as const;
  const shown = {
    status: () => rig.north.ticket(far).status,
    field: () => rig.north.ticket(far).fields['Ref'],
  } as const;

  for (const what of ['status', 'field'] as const)
    it(`does not come back over the ${what} that was written after it`, async () => {
      // North sets the same by itself, so that nothing is left to do.
      await rig.north.act(far, { ...sets[what]('waiting'), author: 'Bob' });
      await rig.acme.act(ticket, sets[what]('waiting'));
      await rig.read(rig.north, far);
      await rig.read(rig.acme, ticket);
      await carryAll();
      await rig.acme.act(ticket, sets[what]('open'));
      await rig.read(rig.acme, ticket);
      await carryAll();
      assert.deepEqual(
        (await outcomes()).map((one) => (one as { outcome: string }).outcome),
        ['skipped', 'applied'],
      );
      assert.equal(shown[what](), 'open');
      const actions = rig.north.ticket(far).actions.length;
      await forget();
      await carryAll();
      assert.equal(shown[what](), 'open');
      assert.equal(rig.north.ticket(far).actions.length, actions, 'nothing was written once more');
    });
});
