import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { opened, startRig, type Rig, type RigDesk } from '#test/federation/rig.ts';
import { until } from '#test/support/wait.ts';

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

  it('slows only itself: other links’ notes arrive while most of its own still wait', async () => {
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
