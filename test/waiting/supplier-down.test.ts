import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { opened, startRig, type Rig, type RigDesk } from '#test/federation/rig.ts';
import { until } from '#test/support/wait.ts';

const downMs = 60_000;

describe('a supplier that is down for a minute', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('down');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    await rig.startWorker();
    await rig.live();
  });
  after(() => rig.close());

  it('with one active mirror: nothing is held, it just waits, and says that it is down', async () => {
    const { ticket, far } = await opened(acme, north);
    await north.desk.pause();
    await acme.note(ticket, '<p>while you were away</p>');
    await until(
      async () => {
        const [row] = await rows<{ state: string }>(
          rig.connection.db,
          sql`select state from instances where id = 'north'`,
        );
        return row?.state === 'down' ? true : undefined;
      },
      { what: 'the instance to be marked', timeoutMs: 60_000 },
    );
    await sleep(downMs);
    const waiting = await rows<{ outcome: string | null; held: boolean }>(
      rig.connection.db,
      sql`select outcome, held_at is not null as held from deliveries where to_instance = 'north' and seq = 2`,
    );
    assert.deepEqual([...waiting], [{ outcome: null, held: false }]);
    const [tries] = await rows<{ n: number }>(
      rig.connection.db,
      sql`select count(*)::int as n from attempts where result = 'retry'`,
    );
    assert.ok((tries?.n ?? 0) <= 20, `${tries?.n} tries in a minute is a hot loop`);
    await north.desk.resume();
    await until(() => (north.ticket(far).actions.length > 0 ? true : undefined), {
      what: 'the note',
      timeoutMs: 70_000,
    });
    await rig.check();
    assert.equal(north.ticket(far).actions.length, 1);
  });
});
