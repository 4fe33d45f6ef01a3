import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { ticketRef } from '#core/words/ref.ts';
import { rows } from '#db/base/client.ts';
import { notifyLanes } from '#db/carry/couriers.ts';
import { followMerge } from '#db/log/ticket-life.ts';
import { until } from '#test/support/wait.ts';
import { count } from './desk-notes.ts';
import { opened, startRig, type Rig, type RigDesk } from './rig.ts';

describe('what could go in a circle does not', () => {
  let rig: Rig;
  const desks: Record<string, RigDesk> = {};
  const desk = (id: string): RigDesk => {
    const found = desks[id];
    if (found === undefined) throw new Error(`no desk ${id}`);
    return found;
  };
  before(async () => {
    rig = await startRig('loops');
    for (const id of ['acme', 'north', 'botty', 'bettie', 'red', 'green', 'blue']) desks[id] = await rig.desk(id);
    const visible = { inbound: { actions: [{ from: 'Note', to: 'Note', audience: 'user' }] } };
    const relaying = { ...visible, outbound: { actions: ['Note'], relay: 'all' } };
    const escalating = (to: string): Record<string, unknown> => ({
      ...visible,
      outbound: {
        actions: ['Note'],
        relay: 'all',
        escalates: { all: [{ kind: 'Escalate' }, { field: 'Ref', equals: to }] },
      },
    });
    await rig.link('acme-north', 'acme', 'north', { customer: visible });
    await rig.link('botty-bettie', 'botty', 'bettie', { customer: visible });
    await rig.link('red-green', 'red', 'green', { customer: escalating('green'), supplier: relaying });
    await rig.link('green-blue', 'green', 'blue', { customer: escalating('blue'), supplier: relaying });
    await rig.link('blue-red', 'blue', 'red', { customer: escalating('red'), supplier: relaying });
    await rig.startWorker();
    await rig.live();
  });
  after(() => rig.close());

  it('two bots that answer every note are stopped by the breaker, and somebody can see why', async () => {
    const [botty, bettie] = [desk('botty'), desk('bettie')];
    const { ticket } = await opened(botty, bettie);
    await botty.control({ bot: true });
    await bettie.control({ bot: true });
    await botty.note(ticket, '<p>Is anybody there?</p>');
    const paused = await until(
      async () => {
        // The bots' own notes come without webhooks here; look as the poll does.
        await rig.hint('botty', ticket);
        for (const far of bettie.desk.tickets.keys()) await rig.hint('bettie', far);
        const found = await rows<{ reason: string }>(
          rig.connection.db,
          sql`select pause_reason as reason from mirrors where link = 'botty-bettie' and paused_at is not null`,
        );
        return found[0];
      },
      { what: 'the breaker', timeoutMs: 30_000 },
    );
    assert.equal(paused.reason, 'ping-pong');
    const notices = await rows<{ cause: string }>(
      rig.connection.db,
      sql`select cause from notices where link = 'botty-bettie'`,
    );
    assert.match(notices[0]?.cause ?? '', /^ping-pong\//);
    const total = botty.ticket(ticket).actions.length;
    assert.ok(total < 40, `the bots wrote ${total} notes`);
    await botty.control({ bot: false });
    await bettie.control({ bot: false });
    await rig.connection.db.execute(sql`update deliveries set held_at = now() where outcome is null`);
  });

  it('a lawful catch-up of 500 notes does not trip it, and all arrive in order', async () => {
    const [acme, north] = [desk('acme'), desk('north')];
    const { ticket, far } = await opened(acme, north);
    for (let n = 1; n <= 500; n += 1) await acme.control({ act: { ticket, note: `<p>line ${n}</p>` } });
    await rig.hint('acme', ticket);
    await until(() => (north.ticket(far).actions.length >= 500 ? true : undefined), {
      what: '500 notes',
      timeoutMs: 60_000,
    });
    assert.deepEqual(
      north.ticket(far).actions.map((one) => one.note),
      Array.from({ length: 500 }, (_, n) => `<p>line ${n + 1}</p>`),
    );
    const [mirror] = await rows<{ paused: boolean }>(
      rig.connection.db,
      sql`select paused_at is not null as paused from mirrors where first_ticket = ${ticket}`,
    );
    assert.equal(mirror?.paused, false);
  });

  it('in a ring of three with relay on, each ticket that a note comes to has it exactly once', async () => {
    const [red, green, blue] = [desk('red'), desk('green'), desk('blue')];
    const ticket = await red.open('A ring');
    await red.act(ticket, { kind: 'Escalate', note: '<p>to green</p>', visible: false, fields: { Ref: 'green' } });
    const atGreen = await until(() => red.ticket(ticket).reference ?? undefined, { what: 'green', timeoutMs: 60_000 });
    await green.act(atGreen, { kind: 'Escalate', note: '<p>to blue</p>', visible: false, fields: { Ref: 'blue' } });
    const atBlue = await until(() => green.ticket(atGreen).reference ?? undefined, { what: 'blue', timeoutMs: 60_000 });
    await blue.act(atBlue, { kind: 'Escalate', note: '<p>to red</p>', visible: false, fields: { Ref: 'red' } });
    const again = await until(() => blue.ticket(atBlue).reference ?? undefined, {
      what: 'red again',
      timeoutMs: 60_000,
    });
    await red.note(ticket, '<p>said by red</p>');
    await until(() => (count(blue, atBlue, 'said by red') > 0 ? true : undefined), {
      what: 'the note at blue',
      timeoutMs: 60_000,
    });
    await blue.note(atBlue, '<p>said by blue</p>');
    const atRed = (text: string): number[] => [ticket, again].map((one) => count(red, one, text));
    await until(() => (atRed('said by blue').every((n) => n > 0) ? true : undefined), {
      what: 'the note at both tickets of red',
      timeoutMs: 60_000,
    });
    await rig.settled();
    assert.equal(count(green, atGreen, 'said by red'), 1);
    assert.equal(count(blue, atBlue, 'said by red'), 1);
    // Nothing goes back to the desk that it is from.
    assert.deepEqual(atRed('said by red'), [1, 0]);
    assert.equal(count(green, atGreen, 'said by blue'), 1);
    assert.equal(count(blue, atBlue, 'said by blue'), 1);
    assert.deepEqual(atRed('said by blue'), [1, 1]);
  });

  it('a ticket merged into one of another link pauses its mirror, and the other desk can read why at once', async () => {
    const [red, green, blue] = [desk('red'), desk('green'), desk('blue')];
    const merged = await red.open('Merged away');
    await red.act(merged, { kind: 'Escalate', note: '<p>to green</p>', visible: false, fields: { Ref: 'green' } });
    const far = await until(() => red.ticket(merged).reference ?? undefined, { what: 'green', timeoutMs: 60_000 });
    const other = await blue.open('The survivor');
    await blue.act(other, { kind: 'Escalate', note: '<p>to red</p>', visible: false, fields: { Ref: 'red' } });
    const into = await until(() => blue.ticket(other).reference ?? undefined, { what: 'red', timeoutMs: 60_000 });
    await rig.settled();
    const { db } = rig.connection;
    await notifyLanes(db, await db.transaction((tx) => followMerge(tx, ticketRef('red', merged), 'Red', into)));
    await until(() => green.ticket(far).actions.find(({ note }) => note?.includes('does not belong to this link')), {
      what: 'the reason at green',
      timeoutMs: 60_000,
    });
    const [mirror] = await rows<{ reason: string }>(
      db,
      sql`select pause_reason as reason from mirrors where first_instance = 'red' and first_ticket = ${merged}`,
    );
    assert.equal(mirror?.reason, 'merged-elsewhere');
  });

  it('two people who type the same text within a second both arrive', async () => {
    const [acme, north] = [desk('acme'), desk('north')];
    const { ticket, far } = await opened(acme, north);
    await Promise.all([
      acme.note(ticket, '<p>done</p>', { author: 'Ann' }),
      acme.note(ticket, '<p>done</p>', { author: 'Bob' }),
      north.note(far, '<p>done</p>', { author: 'Cid' }),
    ]);
    await until(() => (count(north, far, 'done') >= 3 && count(acme, ticket, 'done') >= 3 ? true : undefined), {
      what: 'the notes',
      timeoutMs: 60_000,
    });
    await rig.settled();
    assert.equal(count(north, far, 'done'), 3);
    assert.equal(count(acme, ticket, 'done'), 3);
  });

  it('the watcher reading our write before our request returns does not carry it back', async () => {
    const [acme, north] = [desk('acme'), desk('north')];
    const { ticket, far } = await opened(acme, north);
    await north.fault({ on: 'action', kind: 'slow-reply', ms: 600, times: 1 });
    await acme.note(ticket, '<p>raced</p>');
    await until(() => (count(north, far, 'raced') > 0 ? true : undefined), { what: 'the write', timeoutMs: 30_000 });
    await rig.hint('north', far);
    await rig.hint('north', far);
    await until(
      async () => {
        const [row] = await rows<{ n: number }>(
          rig.connection.db,
          sql`select count(*)::int as n from deliveries d join actions a on a.id = d.action where a.note like '%raced%' and d.outcome = 'applied'`,
        );
        return row?.n === 1 ? true : undefined;
      },
      { what: 'the outcome', timeoutMs: 30_000 },
    );
    await rig.settled();
    assert.equal(count(north, far, 'raced'), 1);
    assert.equal(count(acme, ticket, 'raced'), 1);
  });

  it('a person who uses our account is heard', async () => {
    const [acme, north] = [desk('acme'), desk('north')];
    const { ticket, far } = await opened(acme, north);
    await north.note(far, '<p>typed by hand under the service account</p>', { by: 'service', author: 'Ferry' });
    await until(() => (count(acme, ticket, 'typed by hand') > 0 ? true : undefined), {
      what: 'the note',
      timeoutMs: 60_000,
    });
    await rig.settled();
    assert.equal(count(acme, ticket, 'typed by hand'), 1);
  });

  it('what a desk does by itself after our write is logged and not carried', async () => {
    const [acme, north] = [desk('acme'), desk('north')];
    const { ticket, far } = await opened(acme, north);
    await north.control({ automation: { note: '<p>We have received your update.</p>', status: 'waiting' } });
    await acme.note(ticket, '<p>an update</p>');
    await until(() => (count(north, far, 'received your update') > 0 ? true : undefined), {
      what: 'the automation',
      timeoutMs: 30_000,
    });
    await rig.settled();
    await north.control({ automation: null });
    assert.equal(count(acme, ticket, 'received your update'), 0);
    assert.equal(acme.ticket(ticket).status, 'open');
    await rig.check({ heldAllowed: true, mayWiden: true });
  });
});
