import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
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
