import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '#test/support/wait.ts';
import { startRig, type Rig, type RigDesk } from './rig.ts';

describe('an escalation and what follows it', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('basics');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north');
    await rig.startWorker();
    await rig.live();
  });
  after(() => rig.close());

  it('opens one ticket at the supplier, and both desks then show every note once, in order', async () => {
    const ticket = await acme.open();
    await acme.escalate(ticket);
    const far = await until(() => [...north.desk.tickets.values()][0], {
      what: 'the ticket at the supplier',
      timeoutMs: 60_000,
    });
    await until(() => acme.ticket(ticket).reference ?? undefined, {
      what: 'the supplier reference',
      timeoutMs: 30_000,
    });
    assert.equal(acme.ticket(ticket).reference, far.id);
    for (let n = 1; n <= 5; n += 1) await acme.note(ticket, `<p>from acme ${n}</p>`);
    for (let n = 1; n <= 5; n += 1) await north.note(far.id, `<p>from north ${n}</p>`);
    await until(
      () => (north.ticket(far.id).actions.length >= 10 && acme.ticket(ticket).actions.length >= 11 ? true : undefined),
      {
        what: 'the notes on both sides',
        timeoutMs: 60_000,
      },
    );
    await rig.check();
    const atNorth = north
      .ticket(far.id)
      .actions.map((one) => one.note)
      .filter((note) => note?.includes('acme'));
    const atAcme = acme
      .ticket(ticket)
      .actions.map((one) => one.note)
      .filter((note) => note?.includes('north'));
    assert.deepEqual(
      atNorth,
      [1, 2, 3, 4, 5].map((n) => `<p>from acme ${n}</p>`),
    );
    assert.deepEqual(
      atAcme,
      [1, 2, 3, 4, 5].map((n) => `<p>from north ${n}</p>`),
    );
    assert.equal(north.desk.tickets.size, 1);
  });
});
