import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readFileSync } from 'node:fs';
import { until } from '#test/support/wait.ts';
import { opened, startRig, type Rig, type RigDesk } from '#test/federation/rig.ts';

describe('a worker that hangs past its heartbeat and wakes up again', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('zombie');
    acme = await rig.desk('acme', { writeTimeoutMs: 3_000, settleMs: 500 });
    north = await rig.desk('north', { writeTimeoutMs: 3_000, settleMs: 500 });
    await rig.link('acme-north', 'acme', 'north');
  });
  after(() => rig.close());

  it('finds its courier taken over: what it was writing is there once, and the order holds', async () => {
    const zombie = await rig.spawnWorker();
    await rig.live();
    const { ticket, far } = await opened(acme, north);
    await north.fault({ on: 'action', kind: 'slow-reply', ms: 1_000, times: 1, noteHas: 'first' });
    await acme.note(ticket, '<p>first</p>');
    await until(() => (north.ticket(far).actions.length > 0 ? true : undefined), {
      what: 'the write under way',
      timeoutMs: 60_000,
    });
    zombie.freeze();
    await rig.spawnWorker();
    for (const text of ['second', 'third']) await acme.note(ticket, `<p>${text}</p>`);
    await until(() => (north.ticket(far).actions.length >= 3 ? true : undefined), {
      what: 'the others by the new worker',
      timeoutMs: 60_000,
    });
    zombie.thaw();
    await acme.note(ticket, '<p>fourth</p>');
    await until(() => (north.ticket(far).actions.length >= 4 ? true : undefined), {
      what: 'the last',
      timeoutMs: 60_000,
    });
    await rig.check();
    assert.deepEqual(
      north.ticket(far).actions.map((one) => one.note),
      ['first', 'second', 'third', 'fourth'].map((text) => `<p>${text}</p>`),
    );
  });
});

describe('a worker that is frozen before its write has left, until its successor has made it', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('frozen');
    acme = await rig.desk('acme', { writeTimeoutMs: 3_000, settleMs: 500 });
    north = await rig.desk('north', { writeTimeoutMs: 3_000, settleMs: 500 });
    await rig.link('acme-north', 'acme', 'north');
  });
  after(() => rig.close());

  /** The notes of the ticket at the end, and the worker's output. */
  async function frozenAt(point: string, name: string): Promise<{ notes: (string | null)[]; said: string }> {
    const zombie = await rig.spawnWorker({}, `${point}:${name}`);
    await rig.live();
    const { ticket, far } = await opened(acme, north);
    await acme.note(ticket, `<p>${name}</p>`);
    await until(() => (isStopped(zombie.pid) ? true : undefined), { what: 'it freezes', timeoutMs: 60_000 });
    const successor = await rig.spawnWorker();
    await until(() => (north.ticket(far).actions.length > 0 ? true : undefined), {
      what: 'the note by its successor',
      timeoutMs: 60_000,
    });
    zombie.thaw();
    await zombie.line(/was ignored/, 60_000);
    await acme.note(ticket, '<p>behind</p>');
    await until(() => (north.ticket(far).actions.length > 1 ? true : undefined), {
      what: 'the note after it',
      timeoutMs: 60_000,
    });
    await rig.check();
    await zombie.stop();
    await successor.stop();
    return { notes: north.ticket(far).actions.map(({ note }) => note), said: zombie.output() };
  }

  for (const point of ['freeze-promised', 'freeze-sending']) {
    it(`finds its time over and writes nothing (${point})`, async () => {
      const { notes, said } = await frozenAt(point, `ice-${point}`);
      assert.deepEqual(notes, [`<p>ice-${point}</p>`, '<p>behind</p>']);
      assert.match(said, /"said":"absent"/);
    });
  }

  it('reports nothing about its successor’s write if it knows that its own has failed', async () => {
    await north.fault({ on: 'action', kind: 'error', times: 1, noteHas: 'ice-failed' });
    const { notes, said } = await frozenAt('freeze-failed', 'ice-failed');
    assert.deepEqual(notes, ['<p>ice-failed</p>', '<p>behind</p>']);
    assert.match(said, /"said":"absent"/);
  });
});

/** Stopped by a signal, as the kernel says. */
function isStopped(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}
