import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Ended, Program } from '#test/support/process.ts';
import { until } from '#test/support/wait.ts';
import { opened, startRig, type Rig, type RigDesk } from '#test/federation/rig.ts';

const points = ['observed', 'decided', 'promised', 'performed', 'read-back'];

// Each test waits for a dead worker's lease and heartbeat to expire, in its own federation, so they can wait at the
// same time.
describe('kill -9 of the worker', { concurrency: points.length }, () => {
  for (const point of points) {
    it(`at the point "${point}" of an escalation: one ticket is opened, nothing is lost or doubled`, async (t) => {
      const { rig, acme, north } = await federation(t, `kill_open_${point}`);
      const ticket = await acme.open(`ticket ${point}`);
      const doomed = await rig.spawnWorker({}, `${point}:open-${point}`);
      await acme.escalate(ticket, `<p>open-${point}</p>`);
      await killed(doomed);
      await rig.spawnWorker();
      await until(() => acme.ticket(ticket).reference ?? undefined, { what: 'the reference', timeoutMs: 60_000 });
      await acme.note(ticket, '<p>after</p>');
      await rig.check();
      const mirrored = [...north.desk.tickets.values()].filter((one) => one.description.includes(`open-${point}`));
      assert.equal(mirrored.length, 1);
    });

    it(`at the point "${point}" of a note among others: each arrives once, in order`, async (t) => {
      const { rig, acme, north } = await federation(t, `kill_note_${point}`);
      const doomed = await rig.spawnWorker({}, `${point}:note-3-${point}`);
      const { ticket, far } = await opened(acme, north);
      for (let n = 1; n <= 6; n += 1) await acme.note(ticket, `<p>note-${n}-${point}</p>`);
      await killed(doomed);
      await rig.spawnWorker();
      await until(() => (north.ticket(far).actions.length >= 6 ? true : undefined), {
        what: 'six notes',
        timeoutMs: 60_000,
      });
      await rig.check();
      assert.deepEqual(
        north.ticket(far).actions.map((one) => one.note),
        [1, 2, 3, 4, 5, 6].map((n) => `<p>note-${n}-${point}</p>`),
      );
    });
  }
});

type Federation = { readonly rig: Rig; readonly acme: RigDesk; readonly north: RigDesk };

/** Two desks that are linked and live; no worker runs. */
async function federation(t: TestContext, label: string): Promise<Federation> {
  const rig = await startRig(label.replaceAll('-', '_'));
  t.after(() => rig.close());
  const acme = await rig.desk('acme');
  const north = await rig.desk('north');
  await rig.link('acme-north', 'acme', 'north');
  const first = await rig.startWorker();
  await rig.live();
  await first.stop();
  return { rig, acme, north };
}

async function killed(program: Program): Promise<void> {
  let ended: Ended | undefined;
  void program.ended.then((how) => {
    ended = how;
  });
  await until(() => ended, { what: 'the worker to kill itself', timeoutMs: 60_000 });
  assert.equal(ended?.signal, 'SIGKILL', program.output().slice(-2_000));
}
