import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate } from '#db/base/migrate.ts';
import { anyFreePort } from '#standalone/machine/ports.ts';
import { startPostgres, type RunningPostgres } from '#standalone/machine/postgres.ts';
import { startTemporal, type RunningTemporal } from '#standalone/machine/temporal.ts';
import { endsWithThis, type Program } from '#test/support/process.ts';
import { tempDir, type TempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';
import { opened, startRig, type Rig, type RigDesk } from '#test/federation/rig.ts';

/** How long Temporal stays away: the time that the promise names. */
const awayMs = 30_000;

describe('the services that Ferry depends on go away and come back', () => {
  let dir: TempDir;
  let postgres: RunningPostgres;
  let temporal: RunningTemporal;
  let rig: Rig;
  let worker: Program;
  let acme: RigDesk;
  let north: RigDesk;
  let over = false;

  const startTheTemporal = (port: number): Promise<RunningTemporal> =>
    startTemporal({
      dataDir: join(dir.path, 'temporal'),
      logFile: join(dir.path, 'temporal.log'),
      port,
      env: withoutAddress(),
    });
  const startThePostgres = (port: number): Promise<RunningPostgres> =>
    startPostgres({ dataDir: join(dir.path, 'pg'), logFile: join(dir.path, 'pg.log'), durable: true, port });

  before(async () => {
    dir = await tempDir();
    [postgres, temporal] = await Promise.all([
      anyFreePort().then(startThePostgres),
      anyFreePort().then(startTheTemporal),
    ]);
    endsWithThis(() => (over ? null : postgres.pid));
    endsWithThis(() => (over ? null : temporal.pid));
    await postgres.createDatabase('ferry');
    const url = postgres.url('ferry');
    await migrate(url);
    rig = await startRig('outage', {
      temporal: temporal.address,
      namespace: 'default',
      database: { name: 'ferry', url, ownerUrl: url, drop: () => Promise.resolve() },
    });
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    worker = await rig.spawnWorker();
    await rig.live();
  });
  after(async () => {
    if (process.env['DEBUG']) console.error(worker.output());
    await rig.close();
    await temporal.stop();
    await postgres.stop();
    over = true;
    await dir.remove();
  });

  it('Temporal away for 30 s: what people wrote meanwhile arrives once, in order', async () => {
    const { ticket, far } = await opened(acme, north);
    const port = Number(temporal.address.split(':').at(-1));
    await temporal.kill9();
    for (let n = 1; n <= 3; n += 1) await acme.note(ticket, `<p>away ${n}</p>`);
    await sleep(awayMs);
    await north.note(far, '<p>and back</p>');
    temporal = await startTheTemporal(port);
    await arrived(north, far, 3);
    await arrived(acme, ticket, 1, 'and back');
    await rig.check();
    assert.deepEqual(
      north
        .ticket(far)
        .actions.slice(0, 3)
        .map((one) => one.note),
      ['<p>away 1</p>', '<p>away 2</p>', '<p>away 3</p>'],
    );
  });

  it("Temporal's data wiped: everything continues from the database", async () => {
    const { ticket, far } = await opened(acme, north);
    const port = Number(temporal.address.split(':').at(-1));
    await temporal.kill9();
    await acme.note(ticket, '<p>before the wipe</p>');
    await rm(join(dir.path, 'temporal'), { recursive: true, force: true });
    temporal = await startTheTemporal(port);
    await acme.note(ticket, '<p>after the wipe</p>');
    await arrived(north, far, 2);
    await rig.check();
    assert.equal(north.ticket(far).actions.length, 2);
  });

  it('PostgreSQL crashed and restarted under load: nothing is lost, nothing comes twice', async () => {
    const { ticket, far } = await opened(acme, north);
    const { port } = postgres;
    const writing = (async () => {
      for (let n = 1; n <= 40; n += 1) {
        await acme.control({ act: { ticket, note: `<p>load ${n}</p>` } });
        await rig.hint('acme', ticket).catch(() => {});
        await sleep(25);
      }
    })();
    await until(() => (north.ticket(far).actions.length >= 3 ? true : undefined), {
      what: 'the load to flow',
      timeoutMs: 60_000,
    });
    await postgres.kill9();
    postgres = await startThePostgres(port);
    await writing;
    await arrived(north, far, 40);
    await rig.check();
    assert.deepEqual(
      north.ticket(far).actions.map((one) => one.note),
      Array.from({ length: 40 }, (_, n) => `<p>load ${n + 1}</p>`),
    );
  });
});

function arrived(desk: RigDesk, ticket: string, count: number, text = ''): Promise<true> {
  return until(
    () =>
      desk.ticket(ticket).actions.filter((one) => one.note?.includes(text)).length >= count
        ? (true as const)
        : undefined,
    { what: `${count} notes at ${desk.id}`, timeoutMs: 90_000 },
  );
}

function withoutAddress(): Record<string, string | undefined> {
  return { ...process.env, TEMPORAL_ADDRESS: undefined };
}
