import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { loadStatus } from '#db/operate/status.ts';
import { startDesk, type LightDesk } from '#twins/light/server.ts';
import { until } from '#test/support/wait.ts';
import { opened, startRig, type Rig, type RigDesk, type RigWorker } from './rig.ts';

describe('another desk in the place of one that has mirrors', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  let worker: RigWorker;
  let ticket: string;
  let far: string;
  let twin: LightDesk;
  before(async () => {
    rig = await startRig('which_desk');
    const options = { writeTimeoutMs: 3_000, settleMs: 500, tellsIdentity: true };
    acme = await rig.desk('acme', options);
    north = await rig.desk('north', options);
    await acme.control({ identity: 'the desk of Acme' });
    await north.control({ identity: 'the desk of Northwind' });
    await rig.link('acme-north', 'acme', 'north');
    worker = await rig.startWorker();
    await rig.live();
    ({ ticket, far } = await opened(acme, north));
    twin = await startDesk({
      name: 'twin',
      identity: 'somebody else’s desk',
      tickets: [{ ...structuredClone(north.ticket(far)), summary: 'Printer jams', actions: [], marker: null }],
    });
  });
  after(async () => {
    await rig.close();
    await twin?.close();
  });

  const stateOf = async (id: string) =>
    (await loadStatus(rig.connection.db)).instances.find((one) => one.id === id) ?? assert.fail(`no ${id}`);
  const isState = (state: string): Promise<unknown> =>
    until(async () => ((await stateOf('north')).state === state ? true : undefined), {
      what: `north to be ${state}`,
      timeoutMs: 60_000,
    });
  const at = (url: string): Promise<unknown> =>
    rig.connection.db.execute(sql`update instances set url = ${url}, version = version + 1 where id = 'north'`);
  const came = (note: string): Promise<unknown> =>
    until(() => (north.ticket(far).actions.some((one) => one.note === note) ? true : undefined), {
      what: note,
      timeoutMs: 60_000,
    });
  const notes = (): (string | null)[] => north.ticket(far).actions.map((one) => one.note);

  it('is known at the first contact', async () => {
    const identities = await rig.connection.sql`select id, identity from instances order by id`;
    assert.deepEqual(
      [...identities],
      [
        { id: 'acme', identity: 'the desk of Acme' },
        { id: 'north', identity: 'the desk of Northwind' },
      ],
    );
  });

  it('gets no note when the address is changed while workers run, and what waits goes to the right one', async () => {
    await acme.note(ticket, '<p>before</p>');
    await came('<p>before</p>');
    await at(twin.url);
    await acme.note(ticket, '<p>secret 4711</p>');
    await isState('other');
    assert.match((await stateOf('north')).reason ?? '', /another helpdesk.*--moved north/);
    assert.deepEqual(twin.tickets.get(far)?.actions, []);
    await at(north.desk.url);
    await came('<p>secret 4711</p>');
    await isState('up');
    await rig.check();
    assert.deepEqual(twin.tickets.get(far)?.actions, []);
    assert.deepEqual(notes(), ['<p>before</p>', '<p>secret 4711</p>']);
  });

  it('gets no note at the same address, from a worker that starts', async () => {
    await worker.stop();
    await north.control({ identity: 'a twin at the same address' });
    await acme.note(ticket, '<p>for Northwind</p>');
    worker = await rig.startWorker();
    await isState('other');
    assert.deepEqual(notes(), ['<p>before</p>', '<p>secret 4711</p>']);
    await north.control({ identity: 'the desk of Northwind' });
    await came('<p>for Northwind</p>');
    await isState('up');
    await rig.check();
  });

  it('is not another instance of the link as well: nothing of it is read', async () => {
    // As an instance that nobody has met yet.
    await rig.connection.db.execute(sql`update instances set identity = null where id = 'north'`);
    await at(acme.desk.url);
    await isState('other');
    assert.match((await stateOf('north')).reason ?? '', /known as acme/);
    await at(north.desk.url);
    await isState('up');
    await acme.note(ticket, '<p>last</p>');
    await came('<p>last</p>');
    await rig.check();
  });
});
