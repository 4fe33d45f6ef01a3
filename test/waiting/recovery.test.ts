import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { opened, startRig, type Rig, type RigDesk } from '#test/federation/rig.ts';
import { until } from '#test/support/wait.ts';

/** The worst that is promised, on a machine at rest. */
const recoveryMs = 30_000;

describe('a desk that was away', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('recovery');
    const options = { settleMs: 500, writeTimeoutMs: 2_000 };
    acme = await rig.desk('acme', options);
    north = await rig.desk('north', options);
    await rig.link('acme-north', 'acme', 'north');
    // As shipped: feeds are read every 15 s.
    await rig.startWorker({ pollMs: 15_000 });
    await rig.live();
  });
  after(() => rig.close());

  const notesAt = (ticket: string): number => north.ticket(ticket).actions.length;

  it('has everything soon after it is back, however long its courier’s wait had become', async () => {
    const pairs = await Promise.all([1, 2, 3].map(() => opened(acme, north)));
    const took: number[] = [];
    for (const [round, downMs] of [1_000, 5_000, 20_000].entries()) {
      await north.desk.pause();
      await Promise.all(pairs.map(({ ticket }) => acme.note(ticket, `<p>round ${round}</p>`)));
      // The measurement needs an outage of this length.
      await sleep(downMs);
      await north.desk.resume();
      const begun = performance.now();
      await until(() => pairs.every(({ far }) => notesAt(far) === round + 1) || undefined, {
        what: `everything after ${downMs} ms`,
        timeoutMs: 90_000,
      });
      took.push(Math.round(performance.now() - begun));
    }
    assert.ok(Math.max(...took) <= recoveryMs, `${took.join(', ')} ms`);
    await rig.check();
  });

  it('or has refused our credentials for a moment, has everything once it answers anything', async () => {
    const { ticket, far } = await opened(acme, north);
    await until(
      async () =>
        (
          await rows(rig.connection.db, sql`select 1 from couriers where instance = 'north' and lease_until < now()`)
        )[0],
      { what: 'the courier to be idle', timeoutMs: 60_000 },
    );
    await rig.connection.db.execute(sql`update instances set state = 'auth', state_since = now() where id = 'north'`);
    await rig.connection.db.execute(
      sql`update couriers set retry_at = now() + interval '15 minutes' where instance = 'north'`,
    );
    await rig.connection.db.execute(
      sql`update feeds set next_poll_at = now() + interval '15 minutes' where instance = 'north'`,
    );
    await acme.note(ticket, '<p>waits</p>');
    await north.note(far, '<p>is there</p>');
    await until(() => north.ticket(far).actions.some(({ note }) => note === '<p>waits</p>') || undefined, {
      what: 'what waited',
      timeoutMs: 60_000,
    });
    await rig.check();
  });

  it('for over an hour holds nothing at the first hiccup afterwards', async () => {
    const { ticket, far } = await opened(acme, north);
    await north.desk.pause();
    for (const text of ['during', 'behind']) await acme.note(ticket, `<p>${text}</p>`);
    await until(
      async () =>
        (await rows(rig.connection.db, sql`select 1 from instances where id = 'north' and state = 'down'`))[0],
      {
        what: 'the desk to be down',
        timeoutMs: 30_000,
      },
    );
    // As if it had been an hour and a minute.
    await rig.connection.db.execute(
      sql`update instances set state_since = state_since - interval '61 minutes' where id = 'north'`,
    );
    await rig.connection.db.execute(
      sql`update deliveries set first_tried_at = first_tried_at - interval '61 minutes' where outcome is null`,
    );
    await north.desk.resume();
    await north.fault({ on: 'action', kind: 'error', times: 1 });
    await until(() => notesAt(far) === 2 || undefined, { what: 'both notes', timeoutMs: 60_000 });
    await rig.check();
    assert.deepEqual(
      north.ticket(far).actions.map(({ note }) => note),
      ['<p>during</p>', '<p>behind</p>'],
    );
    assert.equal((await rows(rig.connection.db, sql`select 1 from deliveries where held_at is not null`)).length, 0);
  });
});
