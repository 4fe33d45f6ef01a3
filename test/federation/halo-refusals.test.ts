import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { htmlToText } from '#core/text/html.ts';
import { release } from '#operate/deliveries/release.ts';
import { testOperator } from '#test/support/operator.ts';
import { loadStatus } from '#db/operate/status.ts';
import { until } from '#test/support/wait.ts';
import { startDeskRig, type DeskRig } from './desk-rig.ts';
import { acmeNames, farOf, mayWiden, northwindNames, startPair, type Pair } from './halo-pair.ts';

const { noteToSupplier } = acmeNames.outcomes;
const { update } = northwindNames.outcomes;
const { priya } = acmeNames.users;
const { dana } = northwindNames.users;

for (const profile of ['usual', 'other'] as const)
  describe(`what one Halo refuses, moves, merges or deletes (${profile} answers)`, () => {
    let rig: DeskRig;
    let pair: Pair;
    before(async () => {
      rig = await startDeskRig(`refusals_${profile}`);
      pair = await startPair(rig, { profile });
      await rig.startWorker();
      await rig.live();
    });
    after(() => rig.close());

    /** Runs with an action kind taken out of the workflow of a desk's first ticket type. */
    async function without(desk: 'acme' | 'north', kind: number, work: () => Promise<void>): Promise<void> {
      const { people } = pair[desk];
      const id = desk === 'acme' ? 1 : 31;
      const types = (await people.call('GET', '/catalogue/tickettype')) as { id: number; allowed_actions: number[] }[];
      const allowed_actions = types.find((type) => type.id === id)?.allowed_actions ?? [];
      await people.catalogue('tickettype', [{ id, allowed_actions: allowed_actions.filter((one) => one !== kind) }]);
      try {
        await work();
      } finally {
        await people.catalogue('tickettype', [{ id, allowed_actions }]);
      }
    }

    it('tells the supplier’s agent in a private note what the customer’s workflow refused, and what to do', async () => {
      const { ticket, far } = await pair.escalated();
      await without('acme', 7, async () => {
        await pair.lena(far, update, '<p>refused there</p>');
        const told = await pair.north.note(far, 'did not arrive at Acme');
        assert.match(htmlToText(told.note_html), /"Update" by Lena Voss of .* did not arrive at Acme/);
        assert.match(htmlToText(told.note_html), /You do not have access to this action at the moment/);
        assert.match(
          htmlToText(told.note_html),
          /Use an action that its workflow allows, or ask Acme to allow this one/,
        );
        assert.deepEqual([told.hiddenfromuser, told.who], [true, 'Ferry']);
      });
      assert.doesNotMatch(JSON.stringify(await pair.north.people.portalTicket(dana, far)), /did not arrive/);
      await pair.lena(far, update, '<p>allowed again</p>');
      await pair.acme.note(ticket, 'allowed again');
      assert.doesNotMatch(JSON.stringify(await pair.acme.ticket(ticket)), /refused there|did not arrive/);
    });

    it('tells the customer’s agent in a private note what the supplier’s workflow refused, once for the same thing', async () => {
      const { ticket, far } = await pair.escalated();
      await without('north', 7, async () => {
        for (const text of ['refused one', 'refused two']) await pair.dana(ticket, noteToSupplier, `<p>${text}</p>`);
        const told = await pair.acme.note(ticket, 'did not arrive at Northwind');
        assert.match(htmlToText(told.note_html), /"Private note to supplier" by Dana Reyes/);
        assert.match(htmlToText(told.note_html), /You do not have access to this action at the moment/);
        assert.equal(told.hiddenfromuser, true);
        await rig.settled();
      });
      const seen = await pair.acme.ticket(ticket);
      assert.equal(seen.actions.filter(({ note_html }) => note_html.includes('did not arrive')).length, 1);
      assert.deepEqual((await pair.acme.people.portalTicket(priya, ticket)).actions, []);
      assert.doesNotMatch(JSON.stringify(await pair.north.ticket(far)), /refused (one|two)|did not arrive/);
      assert.deepEqual(await pair.acme.people.outbox(ticket), []);
    });

    it('tells the agent why an escalation was refused, what follows it is not opened, and escalating again opens', async () => {
      const ticket = await pair.logged({ summary: 'Refused at first' });
      await pair.north.people.call('DELETE', '/catalogue/client/12');
      await pair.escalate(ticket);
      await pair.dana(ticket, noteToSupplier, '<p>right after it</p>');
      const told = await pair.acme.note(ticket, 'did not arrive at Northwind');
      assert.match(htmlToText(told.note_html), /The escalation by Dana Reyes .*Client 12 does not exist/s);
      assert.deepEqual([told.hiddenfromuser, told.who], [true, 'Ferry']);
      await rig.settled();
      const timeline = await rig.trace(pair.acme.id, ticket);
      assert.equal(timeline.mirrors[0]?.state, 'refused');
      const behind = timeline.entries.find(({ note }) => note?.includes('right after it') === true);
      assert.deepEqual([behind?.reason?.code ?? behind?.deliveries[0]?.reason?.code], ['not-opened']);
      assert.equal((await pair.acme.ticket(ticket)).supplier_reference, '');
      assert.deepEqual((await pair.acme.people.portalTicket(priya, ticket)).actions, []);

      await pair.north.people.catalogue('client', [{ id: 12, name: 'Acme', inactive: false }]);
      await pair.escalate(ticket);
      const far = await farOf(pair.acme, ticket);
      assert.equal((await pair.north.ticket(far)).summary, 'Refused at first');
    });

    it('refuses a second escalation while the first is open, and keeps its number in the supplier reference', async () => {
      const { ticket, far } = await pair.escalated();
      const tickets = (await pair.north.people.tickets()).length;
      // Halo lets nobody escalate while the reference is filled, so the agent has emptied it.
      await pair.acme.people.edit(ticket, { supplier_reference: '' });
      await pair.escalate(ticket);
      const told = await pair.acme.note(ticket, 'did not arrive at Northwind');
      assert.match(
        htmlToText(told.note_html),
        new RegExp(`The escalation by Dana Reyes .* already open at Northwind, as ${far}\\. Use an update`, 's'),
      );
      await rig.settled();
      assert.equal((await pair.north.people.tickets()).length, tickets);
      assert.equal((await pair.acme.ticket(ticket)).supplier_reference, String(far));
      await pair.dana(ticket, noteToSupplier, '<p>an update then</p>');
      await pair.north.note(far, 'an update then');
    });

    it('escalates again after both are closed and the agent has emptied the reference', async () => {
      const { ticket, far } = await pair.escalated();
      await pair.lena(far, northwindNames.outcomes.resolve, '<p>Done.</p>');
      await pair.acme.shows(ticket, 'the status', (seen) => seen.status_name === acmeNames.statuses.resolved);
      await rig.settled();
      await pair.acme.people.edit(ticket, { supplier_reference: '' });
      await pair.escalate(ticket, { note_html: '<p>Once more.</p>' });
      const again = await pair.acme.shows(ticket, 'another reference', (seen) => {
        const number = Number(seen.supplier_reference);
        return number > 0 && number !== far && number;
      });
      await pair.lena(far, update, '<p>on the old one</p>');
      const told = await pair.north.note(far, 'did not arrive at Acme');
      assert.match(htmlToText(told.note_html), /is closed and no longer takes replies/);
      await pair.lena(again, update, '<p>on the new one</p>');
      await pair.acme.note(ticket, 'on the new one');
    });

    it('holds what concerns a ticket that was moved to another customer, shows it to nobody, and continues when it is back', async () => {
      const { ticket, far } = await pair.escalated();
      await rig.settled();
      const { site_id, user_id } = (await pair.north.ticket(far)) as unknown as { site_id: number; user_id: number };
      await pair.north.people.edit(far, { client: 'Bluebird Dental', site_id: 19, user_id: 74 });
      await until(async () => (await rig.snapshot(pair.north.id, far))?.account === 'Bluebird Dental', {
        what: 'the move to be seen',
        timeoutMs: 30_000,
      });
      await pair.dana(ticket, noteToSupplier, '<p>for Acme’s eyes</p>');
      await pair.lena(far, update, '<p>for Bluebird’s eyes</p>');
      const held = await until(
        async () => {
          const all = (await loadStatus(rig.connection.db)).held;
          return all.length === 2 ? all : undefined;
        },
        { what: 'both to be held', timeoutMs: 30_000 },
      );
      assert.deepEqual(
        held.map(({ reason }) => reason?.code),
        ['wrong-account', 'wrong-account'],
      );
      assert.match(held[0]?.reason?.text ?? '', /belongs to "Bluebird Dental", not to "Acme"/);
      assert.doesNotMatch(JSON.stringify(await pair.north.ticket(far)), /Acme’s eyes/);
      assert.doesNotMatch(JSON.stringify(await pair.acme.ticket(ticket)), /Bluebird’s eyes/);

      await pair.north.people.edit(far, { client: 'Acme', site_id, user_id });
      await until(async () => (await rig.snapshot(pair.north.id, far))?.account === 'Acme', {
        what: 'the move back',
        timeoutMs: 30_000,
      });
      for (const { id } of held) await release(testOperator(rig.connection.db), id);
      assert.match((await pair.north.note(far, 'Acme’s eyes')).note_html, /Written .*, delivered late/);
      await pair.acme.note(ticket, 'Bluebird’s eyes');
    });

    it('follows a ticket that the customer merged into another one', async () => {
      const { ticket, far } = await pair.escalated();
      const survivor = await pair.logged({ summary: 'The same again' });
      await rig.settled();
      await pair.acme.people.merge(ticket, survivor);
      await until(async () => (await rig.trace(pair.acme.id, survivor)).mirrors.length > 0, {
        what: 'the merge',
        timeoutMs: 30_000,
      });
      await pair.lena(far, update, '<p>to the survivor</p>');
      await pair.acme.note(survivor, 'to the survivor');
      await pair.dana(survivor, noteToSupplier, '<p>from the survivor</p>');
      await pair.north.note(far, 'from the survivor');
    });

    it('follows a ticket that the supplier merged into another one of the same customer', async () => {
      const { ticket, far } = await pair.escalated();
      const survivor = (
        await pair.north.people.agentTicket('Lena Voss', { summary: 'The same', user: dana, type: 'Managed Incident' })
      ).id;
      await rig.settled();
      await pair.north.people.merge(far, survivor);
      await until(async () => (await rig.trace(pair.north.id, survivor)).mirrors.length > 0, {
        what: 'the merge',
        timeoutMs: 30_000,
      });
      await pair.dana(ticket, noteToSupplier, '<p>to their survivor</p>');
      await pair.north.note(survivor, 'to their survivor');
      await pair.lena(survivor, update, '<p>from their survivor</p>');
      await pair.acme.note(ticket, 'from their survivor');
    });

    it('keeps the survivor’s own mirror when two escalated tickets are merged, and refuses what comes on the other', async () => {
      const first = await pair.escalated({ summary: 'First' });
      const second = await pair.escalated({ summary: 'Second' });
      await rig.settled();
      await pair.acme.people.merge(first.ticket, second.ticket);
      await until(async () => (await rig.trace(pair.north.id, first.far)).mirrors[0]?.state === 'closed', {
        what: 'the merge',
        timeoutMs: 30_000,
      });
      assert.equal((await rig.trace(pair.north.id, first.far)).mirrors[0]?.closeReason, 'merged');
      const moved = await pair.north.note(first.far, 'was merged into another one');
      assert.match(htmlToText(moved.note_html), new RegExp(`which is ${second.far} here\\. Write there instead`));
      await pair.lena(second.far, update, '<p>on the second</p>');
      await pair.acme.note(second.ticket, 'on the second');
      await pair.lena(first.far, update, '<p>on the first</p>');
      const told = await pair.north.note(first.far, 'did not arrive at Acme');
      assert.match(htmlToText(told.note_html), /merged/);
    });

    /** A Halo that only says "not found" proves a deletion by a day beside other tickets (docs/decisions/0027). */
    async function proven(instance: string, ticket: number): Promise<void> {
      const { db } = rig.connection;
      const which = sql`instance = ${instance} and external_id = ${String(ticket)}`;
      const isClosed = async (): Promise<boolean> =>
        (
          await rows(
            db,
            sql`select 1 from mirrors where close_reason = 'gone' and ((first_instance = ${instance} and first_ticket = ${String(ticket)})
              or (second_instance = ${instance} and second_ticket = ${String(ticket)}))`,
          )
        ).length > 0;
      const isMissing = async (): Promise<boolean> =>
        (await rows(db, sql`select 1 from tickets where ${which} and missing_beside_since is not null`)).length > 0;
      await until(async () => ((await isClosed()) || (await isMissing()) ? true : undefined), {
        what: 'the ticket to be missed',
        timeoutMs: 30_000,
      });
      if (await isClosed()) return;
      await db.execute(
        sql`update tickets set missing_since = missing_since - interval '25 hours',
          missing_beside_since = missing_beside_since - interval '25 hours' where ${which}`,
      );
      await db.execute(sql`update put_off set due_at = now()`);
    }

    it('closes nothing because a permission is missing for a while, and carries what was written meanwhile when it is back', async () => {
      const { ticket, far } = await pair.escalated();
      const { people } = pair.north;
      const path = [`^/api/tickets/${far}`, '^/api/actions', '^/api/attachment'];
      await people.clearRequests();
      await people.fault({ kind: 'status', status: 403, match: { path, times: 0 } });
      try {
        await pair.lena(far, update, '<p>said without a right</p>');
        const refused = async (): Promise<boolean> =>
          (await people.requests()).requests.filter(({ status }) => status === 403).length >= 5;
        await until(refused, { what: 'the ticket to be asked for several times' });
        const [mirror] = await rows<{ state: string; missing: string | null }>(
          rig.connection.db,
          sql`select m.state, t.missing_since as missing from mirrors m
            join tickets t on t.instance = m.second_instance and t.external_id = m.second_ticket
            where m.second_ticket = ${String(far)} and m.second_instance = ${pair.north.id}`,
        );
        assert.deepEqual(mirror, { state: 'open', missing: null });
      } finally {
        await people.clearFaults();
      }
      await pair.acme.note(ticket, 'said without a right');
    });

    it('tells the other desk when a ticket is deleted, and refuses what comes after', async () => {
      const { ticket, far } = await pair.escalated();
      await rig.settled();
      await pair.north.people.remove(far);
      await proven(pair.north.id, far);
      const told = await pair.acme.note(ticket, 'was deleted');
      assert.equal(told.hiddenfromuser, true);
      assert.doesNotMatch(told.note_html, /did not arrive/);
      assert.equal((await rig.trace(pair.acme.id, ticket)).mirrors[0]?.closeReason, 'gone');
      await pair.dana(ticket, noteToSupplier, '<p>into the void</p>');
      await rig.settled();
      const [line] = (await rig.trace(pair.acme.id, ticket)).entries.flatMap((entry) =>
        entry.note?.includes('into the void') === true ? entry.deliveries : [],
      );
      assert.deepEqual([line?.state, line?.reason?.code], ['refused', 'gone']);

      const other = await pair.escalated();
      await rig.settled();
      await pair.acme.people.remove(other.ticket);
      await proven(pair.acme.id, other.ticket);
      await pair.north.note(other.far, 'was deleted');
    });

    it('keeps every invariant', () => rig.check({ mayWiden }));
  });
