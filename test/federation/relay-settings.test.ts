import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '#test/support/wait.ts';
import { opened, startRig, type Rig, type RigDesk } from './rig.ts';

describe('what travels on from a desk between two others', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  let west: RigDesk;
  before(async () => {
    rig = await startRig('relay_settings');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    west = await rig.desk('west');
    const takes = { inbound: { actions: [{ from: 'Note', to: 'Note', audience: 'user' }] } };
    await rig.link('acme-north', 'acme', 'north', {
      customer: {
        ...takes,
        outbound: { actions: ['Note'], requester: 'hidden', quoted: 'drop', escalates: { kind: 'Escalate' } },
      },
    });
    await rig.link('north-west', 'north', 'west', {
      customer: { ...takes, outbound: { actions: ['Note'], relay: 'all', escalates: { kind: 'Escalate' } } },
      supplier: takes,
    });
    await rig.startWorker();
    await rig.live();
  });
  after(() => rig.close());

  it('discloses no more than the settings of its origin let out at the first hop', async () => {
    const { ticket, far: atNorth } = await opened(acme, north);
    await north.escalate(atNorth);
    const atWest = await until(() => [...west.desk.tickets.values()][0], {
      what: 'the ticket at west',
      timeoutMs: 60_000,
    });
    await acme.note(
      ticket,
      '<p>It is down again.</p><p>On Monday, 16 November, Petra wrote:</p><blockquote>the password is in the drawer</blockquote>',
      { by: 'user', author: 'Ursula Enduser' },
    );
    const relayed = await until(() => west.ticket(atWest.id).actions.find((one) => one.note?.includes('down again')), {
      what: 'the reply at west',
      timeoutMs: 60_000,
    });
    assert.doesNotMatch(JSON.stringify(north.ticket(atNorth).actions), /Ursula|drawer/);
    assert.doesNotMatch(JSON.stringify(relayed), /Ursula|drawer/);
    await rig.check({ mayWiden: true });
  });
});
