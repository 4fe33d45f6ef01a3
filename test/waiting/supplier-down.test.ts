import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { rows } from '#db/client.ts';
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
        const [row] = await rows<{ state: string }>(rig.connection.db, sql`select state from instances where id = 'north'`);
        return row?.state === 'down' ? true : undefined;
      },
      { what: 'the instance to be marked', timeoutMs: 20_000 },
    );
    await sleep(downMs);
    const waiting = await rows<{ outcome: string | null; held: boolean }>(
      rig.connection.db,
      sql`select outcome, held_at is not null as held from deliveries where to_instance = 'north' and seq = 2`,
    );
    assert.deepEqual(waiting, [{ outcome: null, held: false }]);
    const [tries] = await rows<{ n: number }>(rig.connection.db, sql`select count(*)::int as n from attempts where result = 'retry'`);
    assert.ok((tries?.n ?? 0) <= 20, `${tries?.n} tries in a minute is a hot loop`);
    await north.desk.resume();
    await until(() => (north.ticket(far).actions.length > 0 ? true : undefined), { what: 'the note', timeoutMs: 70_000 });
    await rig.check();
    assert.equal(north.ticket(far).actions.length, 1);
  });
});

describe('a noisy link among fifty', () => {
  let rig: Rig;
  let north: RigDesk;
  const quiet: { desk: RigDesk; ticket: string; far: string }[] = [];
  let loud: { desk: RigDesk; pairs: { ticket: string; far: string }[] };
  before(async () => {
    rig = await startRig('noisy');
    north = await rig.desk('north', { concurrency: 4 });
    const desks: RigDesk[] = [];
    for (let n = 0; n < 50; n += 1) {
      const desk = await rig.desk(`c${n}`);
      await rig.link(`c${n}-north`, desk.id, 'north');
      desks.push(desk);
    }
    await rig.startWorker();
    await rig.live();
    const [noisy, ...others] = desks;
    if (noisy === undefined) throw new Error('no desks');
    for (const desk of others) quiet.push({ desk, ...(await opened(desk, north)) });
    const pairs: { ticket: string; far: string }[] = [];
    for (let n = 0; n < 20; n += 1) pairs.push(await opened(noisy, north));
    loud = { desk: noisy, pairs };
  });
  after(() => rig.close());

  it('slows only itself: the others arrive while most of its own still wait', async () => {
    for (const { ticket } of loud.pairs) {
      for (let n = 0; n < 40; n += 1) await loud.desk.control({ act: { ticket, note: `<p>noise ${n}</p>` } });
      await rig.hint(loud.desk.id, ticket);
    }
    await until(
      async () => {
        const [row] = await rows<{ n: number }>(
          rig.connection.db,
          sql`select count(*)::int as n from deliveries where outcome is null and to_instance = 'north'`,
        );
        return (row?.n ?? 0) > 100 ? true : undefined;
      },
      { what: 'the noise to queue up', timeoutMs: 30_000 },
    );
    await Promise.all(quiet.map(({ desk, ticket }) => desk.note(ticket, '<p>quiet</p>')));
    await until(() => (quiet.every(({ far }) => north.ticket(far).actions.length === 1) ? true : undefined), {
      what: 'the quiet notes',
      timeoutMs: 60_000,
    });
    const noise = loud.pairs.reduce((sum, { far }) => sum + north.ticket(far).actions.length, 0);
    assert.ok(noise < 20 * 40, 'the quiet ones waited for all of the noise');
    await until(() => (loud.pairs.every(({ far }) => north.ticket(far).actions.length === 40) ? true : undefined), {
      what: 'the noise',
      timeoutMs: 90_000,
    });
    await rig.check();
  });
});
