import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Ended, Program } from '#test/support/process.ts';
import { until } from '#test/support/wait.ts';
import { opened, startRig, type Rig, type RigDesk } from '#test/federation/rig.ts';

describe('kill -9 of the worker', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('kill');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    const first = await rig.spawnWorker();
    await rig.live();
    await first.stop();
  });
  after(() => rig.close());

  for (const point of ['observed', 'decided', 'promised', 'performed', 'read-back']) {
    it(`at the point "${point}" of an escalation: one ticket is opened, nothing is lost or doubled`, async () => {
      const ticket = await acme.open(`ticket ${point}`);
      const doomed = await rig.spawnWorker({}, `${point}:open-${point}`);
      await acme.escalate(ticket, `<p>open-${point}</p>`);
      await killed(doomed);
      const next = await rig.spawnWorker();
      await until(() => acme.ticket(ticket).reference ?? undefined, { what: 'the reference', timeoutMs: 40_000 });
      await acme.note(ticket, '<p>after</p>');
      await rig.check();
      const mirrored = [...north.desk.tickets.values()].filter((one) => one.description.includes(`open-${point}`));
      assert.equal(mirrored.length, 1);
      await next.stop();
    });

    it(`at the point "${point}" of a note among others: each arrives once, in order`, async () => {
      const doomed = await rig.spawnWorker({}, `${point}:note-3-${point}`);
      const { ticket, far } = await opened(acme, north);
      for (let n = 1; n <= 6; n += 1) await acme.note(ticket, `<p>note-${n}-${point}</p>`);
      await killed(doomed);
      const next = await rig.spawnWorker();
      await until(() => (north.ticket(far).actions.length >= 6 ? true : undefined), {
        what: 'six notes',
        timeoutMs: 40_000,
      });
      await rig.check();
      assert.deepEqual(
        north.ticket(far).actions.map((one) => one.note),
        [1, 2, 3, 4, 5, 6].map((n) => `<p>note-${n}-${point}</p>`),
      );
      await next.stop();
    });
  }
});

async function killed(program: Program): Promise<void> {
  let ended: Ended | undefined;
  void program.ended.then((how) => {
    ended = how;
  });
  await until(() => ended, { what: 'the worker to kill itself', timeoutMs: 20_000 });
  assert.equal(ended?.signal, 'SIGKILL', program.output().slice(-2_000));
}
