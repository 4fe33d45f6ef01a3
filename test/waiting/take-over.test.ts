import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import type { Program } from '#test/support/process.ts';
import { startTcpProxy, type TcpProxy } from '#test/support/tcp-proxy.ts';
import { until } from '#test/support/wait.ts';
import { opened, startRig, type Rig, type RigDesk } from '#test/federation/rig.ts';

/** The promise is 10 s; this machine may be busy. */
const takenOverMs = 20_000;

describe('a worker that is gone without notice, beside a healthy one', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  let line: TcpProxy;
  let cut: Program;
  let ticket: string;
  let far: string;
  before(async () => {
    rig = await startRig('take_over');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    const url = new URL(rig.env['DATABASE_URL'] ?? '');
    line = await startTcpProxy(Number(url.port));
    url.hostname = '127.0.0.1';
    url.port = String(line.port);
    cut = await rig.spawnWorker({ lingerMs: 60_000 }, '', { DATABASE_URL: url.href });
    await rig.live();
    ({ ticket, far } = await opened(acme, north));
  });
  after(async () => {
    line.silent(false);
    await rig.close();
    await line.close();
  });

  const arrives = async (text: string): Promise<number> => {
    const begun = performance.now();
    await acme.note(ticket, `<p>${text}</p>`);
    await until(() => north.ticket(far).actions.some((one) => one.note === `<p>${text}</p>`) || undefined, {
      what: text,
      timeoutMs: 60_000,
    });
    return performance.now() - begun;
  };

  it('cut off from the database, its courier and its watchers are taken over, although its timers run', async () => {
    await arrives('before');
    const well = await rig.spawnWorker();
    line.silent(true);
    const ms = await arrives('while it is cut off');
    assert.ok(ms < takenOverMs, `${ms} ms`);
    line.silent(false);
    await arrives('after');
    await well.stop();
    await rig.check();
  });

  it('frozen, it is taken over as fast, also where Temporal hands its work to it again', async () => {
    await rig.spawnWorker();
    for (const round of [1, 2]) {
      await arrives(`warm ${round}`);
      cut.freeze();
      const ms = await arrives(`cold ${round}`);
      cut.thaw();
      assert.ok(ms < takenOverMs, `${ms} ms`);
    }
    await rig.check();
    assert.equal(
      (await rows(rig.connection.db, sql`select 1 from deliveries where outcome is distinct from 'applied'`)).length,
      0,
    );
  });
});

describe('a worker that is asked to stop', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('hand_over');
    acme = await rig.desk('acme', { writeTimeoutMs: 10_000 });
    north = await rig.desk('north', { writeTimeoutMs: 10_000 });
    await rig.link('acme-north', 'acme', 'north');
  });
  after(() => rig.close());

  it('has handed its couriers over within a second, and what it was writing reaches its end', async () => {
    const leaving = await rig.spawnWorker({ lingerMs: 60_000 });
    await rig.live();
    const slow = await opened(acme, north);
    const other = await opened(acme, north);
    await rig.spawnWorker({ lingerMs: 60_000 });
    await north.fault({ on: 'action', kind: 'slow-reply', ms: 4_000, times: 1, noteHas: 'slow' });
    await acme.note(slow.ticket, '<p>slow</p>');
    await until(() => north.ticket(slow.far).actions.length > 0 || undefined, { what: 'the write', timeoutMs: 60_000 });
    const epoch = async (): Promise<unknown> =>
      (await rows(rig.connection.db, sql`select epoch::int as epoch from couriers where instance = 'north'`))[0]?.[
        'epoch'
      ];
    const lease = async (): Promise<unknown> =>
      (
        await rows(rig.connection.db, sql`select lease_until <= now() as over from couriers where instance = 'north'`)
      )[0]?.['over'];
    const before = await epoch();
    const begun = performance.now();
    leaving.signal('SIGTERM');
    await acme.note(other.ticket, '<p>meanwhile</p>');
    await until(async () => (await epoch()) !== before || (await lease()) === true || undefined, {
      what: 'the courier to be free',
      timeoutMs: 30_000,
      everyMs: 10,
    });
    const freeMs = performance.now() - begun;
    await until(() => north.ticket(other.far).actions.length > 0 || undefined, {
      what: 'the other note',
      timeoutMs: 30_000,
    });
    const carriedMs = performance.now() - begun;
    assert.deepEqual(await leaving.ended, { code: 0, signal: null });
    await rig.check();
    assert.equal(north.ticket(slow.far).actions.length, 1);
    // The write that was under way took four seconds: who waited for it has waited that long.
    assert.ok(freeMs < 3_500, `free after ${freeMs} ms`);
    assert.ok(carriedMs < 10_000, `carried after ${carriedMs} ms`);
  });
});

describe('a worker under which the database is migrated', () => {
  it('says which schema it needs, and stops in order', async () => {
    const rig = await startRig('migrated');
    try {
      const worker = await rig.spawnWorker();
      await rig.connection
        .sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('of a newer Ferry', 1)`;
      const { code } = await worker.ended;
      assert.notEqual(code, 0);
      assert.match(worker.output(), /Start the newer Ferry/);
    } finally {
      await rig.close();
    }
  });
});
