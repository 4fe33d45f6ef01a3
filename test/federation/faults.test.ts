import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { ticketRef } from '#core/words/ref.ts';
import { rows } from '#db/base/client.ts';
import { release } from '#operate/deliveries/release.ts';
import { testOperator } from '#test/support/operator.ts';
import { addHints, notifyHints } from '#db/log/hint.ts';
import { startFaultProxy, type FaultProxy } from '#test/support/fault-proxy.ts';
import { until } from '#test/support/wait.ts';
import { opened, startRig, type Rig, type RigDesk } from './rig.ts';

describe('a desk that misbehaves', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('faults');
    acme = await rig.desk('acme', { settleMs: 300, writeTimeoutMs: 1_500 });
    north = await rig.desk('north', { settleMs: 300, writeTimeoutMs: 1_500 });
    await rig.link('acme-north', 'acme', 'north');
    await rig.startWorker();
    await rig.live();
  });
  let newAddress: FaultProxy | undefined;
  after(async () => {
    await rig.close();
    await newAddress?.close();
  });

  it('whose reply is lost after the ticket was made opens one ticket', async () => {
    await north.fault({ on: 'open', kind: 'lose-reply', times: 1 });
    const before = north.desk.tickets.size;
    await opened(acme, north);
    await rig.check();
    assert.equal(north.desk.tickets.size, before + 1);
  });

  it('whose reply is lost after a note shows the note once, in its place', async () => {
    const { ticket, far } = await opened(acme, north);
    await north.fault({ on: 'action', kind: 'lose-reply', times: 1, noteHas: 'two' });
    for (const text of ['one', 'two', 'three']) await acme.note(ticket, `<p>${text}</p>`);
    await until(() => (north.ticket(far).actions.length >= 3 ? true : undefined), {
      what: 'three notes',
      timeoutMs: 60_000,
    });
    await rig.check();
    assert.deepEqual(
      north.ticket(far).actions.map((one) => one.note),
      ['<p>one</p>', '<p>two</p>', '<p>three</p>'],
    );
  });

  it('that hangs on a write gets it once, after the deadline', async () => {
    const { ticket, far } = await opened(acme, north);
    await north.fault({ on: 'action', kind: 'hang', times: 1 });
    await acme.note(ticket, '<p>hung</p>');
    await until(() => (north.ticket(far).actions.length > 0 ? true : undefined), {
      what: 'the note',
      timeoutMs: 30_000,
    });
    await rig.check();
    assert.equal(north.ticket(far).actions.length, 1);
  });

  it('that answers 503 a few times gets everything, and nothing is held', async () => {
    const { ticket, far } = await opened(acme, north);
    await north.fault({ on: 'action', kind: 'error', times: 3 });
    for (const text of ['a', 'b']) await acme.note(ticket, `<p>${text}</p>`);
    await until(() => (north.ticket(far).actions.length >= 2 ? true : undefined), {
      what: 'both notes',
      timeoutMs: 30_000,
    });
    await rig.check();
    const held = await rows(rig.connection.db, sql`select id from deliveries where held_at is not null`);
    assert.equal(held.length, 0);
  });

  it('that refuses a note tells the acting agent in a private note, once, with its own words and what to do', async () => {
    const { ticket, far } = await opened(acme, north);
    await north.fault({ on: 'action', kind: 'refuse', times: 2, noteHas: 'forbidden' });
    await acme.note(ticket, '<p>forbidden 1</p>');
    await acme.note(ticket, '<p>forbidden 2</p>');
    await acme.note(ticket, '<p>allowed</p>');
    await until(() => (north.ticket(far).actions.length > 0 ? true : undefined), {
      what: 'the allowed note',
      timeoutMs: 60_000,
    });
    await rig.check();
    assert.deepEqual(
      north.ticket(far).actions.map((one) => one.note),
      ['<p>allowed</p>'],
    );
    const told = acme.ticket(ticket).actions.filter((one) => one.by === 'service');
    assert.equal(told.length, 1);
    assert.equal(told[0]?.visible, false);
    assert.match(told[0]?.note ?? '', /the workflow does not allow this/);
    assert.match(told[0]?.note ?? '', /Use an action that its workflow allows/);
    const ends = await rows<{ code: string }>(
      rig.connection.db,
      sql`select reason->>'code' as code from deliveries where kind = 'receipt' and outcome = 'skipped'`,
    );
    assert.deepEqual(
      ends.map((row) => row.code),
      ['already-told'],
    );
  });

  it('that refuses an escalation: its ticket says why, what waits after it ends under the same receipt, and escalating again works', async () => {
    await north.fault({ on: 'open', kind: 'refuse', times: 1 });
    const ticket = await acme.open('Refused at first');
    await acme.escalate(ticket);
    await acme.note(ticket, '<p>waits behind</p>');
    await until(() => acme.ticket(ticket).actions.find((one) => one.by === 'service'), {
      what: 'the receipt',
      timeoutMs: 60_000,
    });
    await rig.check();
    assert.equal(acme.ticket(ticket).actions.filter((one) => one.by === 'service').length, 1);
    const [mirror] = await rows<{ state: string }>(
      rig.connection.db,
      sql`select state from mirrors where first_ticket = ${ticket}`,
    );
    assert.equal(mirror?.state, 'refused');
    await acme.escalate(ticket);
    await until(() => acme.ticket(ticket).reference ?? undefined, { what: 'the second try', timeoutMs: 60_000 });
    await rig.check();
  });

  it('a second escalation of an open ticket is refused with the number of the first', async () => {
    const { ticket, far } = await opened(acme, north);
    const before = north.desk.tickets.size;
    await acme.escalate(ticket, '<p>and again</p>');
    const told = await until(() => acme.ticket(ticket).actions.find((one) => one.by === 'service'), {
      what: 'the receipt',
      timeoutMs: 60_000,
    });
    await rig.check();
    assert.equal(north.desk.tickets.size, before);
    assert.match(told.note ?? '', new RegExp(far));
    assert.equal(acme.ticket(ticket).reference, far);
  });

  it('a ticket deleted there ends its mirror, and both desks can read it', async () => {
    const { ticket, far } = await opened(acme, north);
    await north.control({ remove: far });
    await acme.note(ticket, '<p>to nobody</p>');
    const told = await until(() => acme.ticket(ticket).actions.find((one) => one.by === 'service'), {
      what: 'the receipt',
      timeoutMs: 60_000,
    });
    assert.match(told.note ?? '', /deleted/);
    await rig.settled();
    const [mirror] = await rows<{ state: string; why: string }>(
      rig.connection.db,
      sql`select state, close_reason as why from mirrors where first_ticket = ${ticket}`,
    );
    assert.deepEqual(mirror, { state: 'closed', why: 'gone' });
  });

  it('ten equal webhooks at once carry one note', async () => {
    const { ticket, far } = await opened(acme, north);
    await acme.control({ act: { ticket, note: '<p>once</p>' } });
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        await addHints(rig.connection.db, [ticketRef('acme', ticket)]);
        await notifyHints(rig.connection.db);
      }),
    );
    await until(() => (north.ticket(far).actions.length > 0 ? true : undefined), {
      what: 'the note',
      timeoutMs: 60_000,
    });
    await rig.check();
    assert.equal(north.ticket(far).actions.length, 1);
  });

  it('without any webhook the poll finds it', async () => {
    const { ticket, far } = await opened(acme, north);
    await acme.control({ act: { ticket, note: '<p>unannounced</p>' } });
    await until(() => (north.ticket(far).actions.length > 0 ? true : undefined), {
      what: 'the note',
      timeoutMs: 60_000,
    });
    await rig.check();
  });

  it('one poisoned ticket among a hundred delays none of the others', async () => {
    const pairs = await Promise.all(Array.from({ length: 100 }, () => opened(acme, north)));
    const [poisoned, ...others] = pairs;
    if (poisoned === undefined) throw new Error('no tickets');
    await north.fault({ on: 'action', kind: 'error', times: 5, noteHas: 'poison' });
    await acme.note(poisoned.ticket, '<p>poison</p>');
    await Promise.all(others.map(({ ticket }) => acme.note(ticket, '<p>healthy</p>')));
    await until(() => (others.every(({ far }) => north.ticket(far).actions.length === 1) ? true : undefined), {
      what: 'the healthy notes',
      timeoutMs: 30_000,
    });
    assert.equal(north.ticket(poisoned.far).actions.length, 0);
    await until(() => (north.ticket(poisoned.far).actions.length === 1 ? true : undefined), {
      what: 'the poisoned note',
      timeoutMs: 60_000,
    });
    await rig.check();
  });

  it('whose address changes is reached at the new one by the drain that is running', async () => {
    const { ticket, far } = await opened(acme, north);
    newAddress = await startFaultProxy(north.desk.url);
    const { seen, url } = newAddress;
    const epoch = async (): Promise<unknown> =>
      (await rows(rig.connection.db, sql`select epoch from couriers where instance = 'north'`))[0];
    const before = await epoch();
    await rig.connection.db.execute(sql`update instances set url = ${url}, version = version + 1 where id = 'north'`);
    let notes = 0;
    await until(
      async () => {
        notes += 1;
        await acme.note(ticket, `<p>${notes}</p>`);
        await until(() => north.ticket(far).actions.length === notes, { what: 'the note', timeoutMs: 60_000 });
        return seen.some((request) => request.startsWith('POST'));
      },
      { what: 'a write at the new address', timeoutMs: 60_000, everyMs: 200 },
    );
    assert.deepEqual(await epoch(), before);
  });

  it('a mirror closes when both are closed, and a reply within 30 days opens it again', async () => {
    const { ticket, far } = await opened(acme, north);
    const state = async (): Promise<string | undefined> =>
      (
        await rows<{ state: string }>(rig.connection.db, sql`select state from mirrors where first_ticket = ${ticket}`)
      )[0]?.state;
    await north.note(far, '<p>solved</p>', { status: 'closed' });
    await until(async () => ((await state()) === 'closed' ? true : undefined), {
      what: 'the mirror to close',
      timeoutMs: 60_000,
    });
    assert.equal(acme.ticket(ticket).status, 'closed');
    await acme.note(ticket, '<p>not quite</p>', { status: 'open' });
    await until(async () => ((await state()) === 'open' ? true : undefined), {
      what: 'the mirror to reopen',
      timeoutMs: 60_000,
    });
    await rig.check();
    assert.equal(north.ticket(far).status, 'open');
  });

  it('whose automation undoes our status gets it once more; if it insists, somebody has to look, and the note stays', async () => {
    const { ticket, far } = await opened(acme, north);
    await north.control({ automation: { status: 'waiting', note: null } });
    await acme.note(ticket, '<p>all done</p>', { status: 'closed' });
    const held = await until(
      async () =>
        (
          await rows<{ id: string; code: string }>(
            rig.connection.db,
            sql`select d.id, d.reason->>'code' as code from deliveries d join mirrors m on m.id = d.mirror
              where m.first_ticket = ${ticket} and d.held_at is not null`,
          )
        )[0],
      { what: 'the delivery to be held', timeoutMs: 60_000 },
    );
    assert.equal(held.code, 'not-taken');
    await north.control({ automation: null });
    const ours = north.ticket(far).actions.filter((one) => one.by === 'service');
    assert.deepEqual(
      ours.map((one) => one.note),
      ['<p>all done</p>', null],
    );
    await release(testOperator(rig.connection.db), held.id);
    await rig.hint('north', far);
    await rig.check();
    const [ended] = await rows<{ outcome: string; drops: { code: string }[] }>(
      rig.connection.db,
      sql`select outcome, drops from deliveries where id = ${held.id}`,
    );
    assert.equal(ended?.outcome, 'applied');
    assert.deepEqual(
      ended?.drops.map((one) => one.code),
      ['not-taken'],
    );
  });
});

describe('shadow mode', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  before(async () => {
    rig = await startRig('shadow');
    acme = await rig.desk('acme');
    north = await rig.desk('north');
    await rig.link('acme-north', 'acme', 'north', { mode: 'shadow' });
    await rig.startWorker();
    await rig.live();
  });
  after(() => rig.close());

  it('decides, says what it would have done, and writes nothing', async () => {
    const ticket = await acme.open();
    await acme.escalate(ticket);
    await acme.note(ticket, '<p>a note</p>');
    await until(
      async () =>
        (await rows(rig.connection.db, sql`select id from deliveries where outcome = 'skipped'`)).length === 2
          ? true
          : undefined,
      { what: 'both decisions', timeoutMs: 60_000 },
    );
    await rig.settled();
    assert.equal(north.desk.tickets.size, 0);
    assert.equal(acme.ticket(ticket).reference, null);
    assert.equal(
      acme.ticket(ticket).actions.every((one) => one.by !== 'service'),
      true,
    );
    const reasons = await rows<{ code: string; text: string }>(
      rig.connection.db,
      sql`select reason->>'code' as code, reason->>'text' as text from deliveries order by seq`,
    );
    assert.deepEqual(
      reasons.map((one) => one.code),
      ['shadow', 'shadow'],
    );
    assert.match(reasons[0]?.text ?? '', /a new ticket/);
  });
});
