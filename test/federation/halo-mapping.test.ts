import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { TicketSeen } from '#twins/halo/client.ts';
import type { DeliveryLine } from '#operate/trace/timeline.ts';
import { until } from '#test/support/wait.ts';
import { startDeskRig, type DeskRig } from './desk-rig.ts';
import { acmeNames, mayWiden, northwindNames, pictureIn, startPair, type Mirrored, type Pair } from './halo-pair.ts';

const here = acmeNames.fields;
const there = northwindNames.fields;
const { noteToSupplier, internalNote, update } = acmeNames.outcomes;

for (const profile of ['usual', 'other'] as const)
  describe(`what travels between two Halos, and in whose words (${profile} answers)`, () => {
    let rig: DeskRig;
    let pair: Pair;
    let mirrored: Mirrored;
    before(async () => {
      rig = await startDeskRig(`mapping_${profile}`);
      pair = await startPair(rig, {
        profile,
        async before({ north }) {
          await north.people.catalogue('outcome', [{ ...plainKind, id: 120, outcome: 'Phone call' }]);
          const allowed_actions = [7, 101, 102, 103, 104, 105, 106, 107, 108, 120];
          await north.people.catalogue('tickettype', [{ id: 31, allowed_actions }]);
        },
        change: (_file, { customer, supplier }) => {
          customer.inbound['fields']?.push(
            { from: 'summary', to: 'summary' },
            { from: 'Target date', to: 'Target date' },
          );
          supplier.inbound['fields']?.push(
            { from: 'summary', to: 'summary' },
            { from: 'Target date', to: 'Target date' },
          );
        },
      });
      await rig.startWorker();
      await rig.live();
    });
    after(() => rig.close());

    /** How the deliveries of the action with this note ended, in the trace of Acme's ticket. */
    async function told(note: string): Promise<DeliveryLine[]> {
      const timeline = await rig.trace(pair.acme.id, mirrored.ticket);
      const entry = timeline.entries.find((one) => one.note?.includes(note) === true);
      assert.ok(entry !== undefined, `the trace has no "${note}"`);
      return [...entry.deliveries];
    }

    it('takes text, option, date, time and number fields along with an escalation', async () => {
      const ticket = await pair.logged({ summary: 'With fields' });
      await pair.acme.people.edit(ticket, {
        fields: {
          [here.service]: 'Remote access',
          [here.scope]: 'A team',
          [here.neededBy]: '2026-12-01',
          [here.maintenance]: '2026-12-01T18:30:00Z',
          [here.people]: 12,
        },
      });
      await pair.escalate(ticket);
      mirrored = {
        ticket,
        far: await pair.acme.shows(ticket, 'the reference', (seen) => Number(seen.supplier_reference)),
      };
      const opened = await pair.north.ticket(mirrored.far);
      assert.equal(field(opened, there.service), 'Remote access');
      assert.equal(field(opened, there.reach), 'Department');
      assert.equal(String(field(opened, there.due)).slice(0, 10), '2026-12-01');
      assert.equal(instant(field(opened, there.window)), '2026-12-01T18:30:00.000Z');
      assert.equal(Number(field(opened, there.headcount)), 12);
    });

    it('carries fields, category and status that the supplier changes with an update', async () => {
      await pair.lena(mirrored.far, northwindNames.outcomes.update, '<p>All changed.</p>', {
        status: northwindNames.statuses.awaitingClient,
        category: northwindNames.categories.wireless,
        fields: {
          [there.service]: 'Wireless',
          [there.reach]: 'Whole company',
          [there.due]: '2027-01-15',
          [there.window]: '2027-01-16T05:00:00Z',
          [there.headcount]: 40,
        },
      });
      await pair.acme.note(mirrored.ticket, 'All changed');
      const seen = await pair.acme.shows(
        mirrored.ticket,
        'all of it',
        (now) => now.status_name === acmeNames.statuses.inProgress && now,
      );
      assert.equal(seen.category_1, acmeNames.categories.wifi);
      assert.equal(field(seen, here.service), 'Wireless');
      assert.equal(field(seen, here.scope), 'Everybody');
      assert.equal(String(field(seen, here.neededBy)).slice(0, 10), '2027-01-15');
      assert.equal(instant(field(seen, here.maintenance)), '2027-01-16T05:00:00.000Z');
      assert.equal(Number(field(seen, here.people)), 40);
    });

    it('carries fields, category, status and priority that the customer changes with a note', async () => {
      await pair.dana(mirrored.ticket, noteToSupplier, '<p>Worse now.</p>', {
        status: acmeNames.statuses.waitingOnUser,
        category: acmeNames.categories.laptop,
        priority: acmeNames.priorities.critical,
        fields: { [here.scope]: 'One person', [here.neededBy]: null },
      });
      await pair.north.note(mirrored.far, 'Worse now');
      const seen = await pair.north.shows(
        mirrored.far,
        'the priority',
        (now) => now.priority_name === northwindNames.priorities.p1 && now,
      );
      assert.equal(seen.status_name, northwindNames.statuses.awaitingClient);
      assert.equal(seen.category_1, northwindNames.categories.endpoint);
      assert.equal(field(seen, there.reach), 'Single user');
      assert.ok([null, undefined, ''].includes(field(seen, there.due) as null), 'a cleared date is cleared');
      assert.equal(field(seen, there.service), 'Wireless', 'what was not touched stays');
    });

    it('carries the summary and the ticket’s own dates where they are mapped, with an action that is sent', async () => {
      const changed = { summary: 'Wi-Fi drops in the harbour', targetdate: '2027-02-01T10:00:00Z' };
      await pair.dana(mirrored.ticket, noteToSupplier, '<p>A better title.</p>', { fields: changed });
      await pair.north.note(mirrored.far, 'A better title');
      const seen = await pair.north.shows(mirrored.far, 'the summary', (now) => now.summary === changed.summary && now);
      assert.equal(instant((seen as unknown as { targetdate: string }).targetdate), '2027-02-01T10:00:00.000Z');
      await pair.lena(mirrored.far, northwindNames.outcomes.update, '<p>Better still.</p>', {
        fields: { summary: 'Radio drops' },
      });
      await pair.acme.shows(mirrored.ticket, 'the summary', (now) => now.summary === 'Radio drops');
    });

    it('does not carry what is changed by hand, without an action', async () => {
      await pair.acme.people.edit(mirrored.ticket, { fields: { [here.people]: 99 } });
      await until(async () => (await rig.snapshot(pair.acme.id, mirrored.ticket))?.fields[here.people] === 99, {
        what: 'the change to be read',
        timeoutMs: 30_000,
      });
      await pair.dana(mirrored.ticket, noteToSupplier, '<p>Counted by hand.</p>');
      await pair.north.note(mirrored.far, 'Counted by hand');
      assert.equal(Number(field(await pair.north.ticket(mirrored.far), there.headcount)), 40);
    });

    it('drops a status that is not mapped, says so in the trace, and the note goes', async () => {
      const before = (await pair.north.ticket(mirrored.far)).status_name;
      await pair.dana(mirrored.ticket, noteToSupplier, '<p>Yours again.</p>', {
        status: acmeNames.statuses.withSupplier,
      });
      await pair.north.note(mirrored.far, 'Yours again');
      await rig.settled();
      assert.equal((await pair.north.ticket(mirrored.far)).status_name, before);
      const [line] = await told('Yours again');
      assert.equal(line?.state, 'applied');
      assert.deepEqual(
        line?.drops.map(({ code }) => code),
        ['unmapped-status'],
      );
      assert.match(line?.drops[0]?.text ?? '', /"With supplier" is not mapped at Northwind.*Map it/);
    });

    it('drops a priority that the receiving desk has not mapped, says so, and the note goes', async () => {
      await pair.lena(mirrored.far, northwindNames.outcomes.update, '<p>Calmer now.</p>', {
        priority: northwindNames.priorities.p4,
      });
      await pair.acme.note(mirrored.ticket, 'Calmer now');
      await rig.settled();
      const [line] = await told('Calmer now');
      assert.deepEqual([line?.state, line?.drops.map(({ code }) => code)], ['applied', ['unmapped-priority']]);
    });

    it('keeps a supplier’s hidden notes at the supplier, whatever is chosen for them', async () => {
      await pair.lena(mirrored.far, northwindNames.outcomes.private, '<p>secret one</p>');
      await pair.lena(mirrored.far, northwindNames.outcomes.update, '<p>secret two</p>', { hidden: true });
      await pair.lena(mirrored.far, northwindNames.outcomes.private, '<p>secret three</p>', { sync_to_halo_api: 2 });
      await rig.settled();
      assert.doesNotMatch(JSON.stringify(await pair.acme.ticket(mirrored.ticket)), /secret (one|two|three)/);
      assert.deepEqual(
        (await told('secret two')).map(({ reason }) => reason?.code),
        ['hidden'],
      );
      assert.deepEqual(
        (await told('secret three')).map(({ reason }) => reason?.code),
        ['hidden'],
      );
    });

    it('sends what an agent chooses to send for this one use, though no setting names the kind', async () => {
      await pair.lena(mirrored.far, 'Phone call', '<p>Called the data centre.</p>', { sync_to_halo_api: 2 });
      const note = await pair.acme.note(mirrored.ticket, 'Called the data centre');
      assert.deepEqual([note.outcome, note.hiddenfromuser], [acmeNames.outcomes.internalNote, true]);
      await pair.dana(mirrored.ticket, internalNote, '<p>For you as well.</p>', { sync_to_halo_api: 1 });
      assert.equal(
        (await pair.north.note(mirrored.far, 'For you as well')).outcome,
        northwindNames.outcomes.internalNote,
      );
    });

    it('keeps what an agent chooses not to send for this one use, though the settings name the kind', async () => {
      await pair.lena(mirrored.far, northwindNames.outcomes.update, '<p>kept there</p>', { sync_to_halo_api: 0 });
      await pair.dana(mirrored.ticket, noteToSupplier, '<p>kept here</p>', { sync_to_halo_api: 0 });
      await pair.lena(mirrored.far, 'Phone call', '<p>not named there</p>');
      await pair.dana(mirrored.ticket, update, '<p>not named here</p>');
      await rig.settled();
      assert.doesNotMatch(JSON.stringify(await pair.acme.ticket(mirrored.ticket)), /kept there|not named there/);
      assert.doesNotMatch(JSON.stringify(await pair.north.ticket(mirrored.far)), /kept here|not named here/);
      for (const note of ['kept there', 'kept here', 'not named there', 'not named here']) {
        assert.deepEqual(
          (await told(note)).map(({ reason }) => reason?.code),
          ['not-sent'],
          note,
        );
      }
    });

    it('brings files both ways, byte for byte, to the note they belong to', async () => {
      // Another ticket, because this many changes of direction within a minute would trip the breaker.
      mirrored = await pair.escalated();
      const files = [randomBytes(300_001), randomBytes(17), Buffer.alloc(0)].map((bytes, index) => ({
        filename: ['Ünïcode & "quotes".bin', 'b.txt', 'empty.dat'][index] ?? '',
        data_base64: bytes.toString('base64'),
        sha256: createHash('sha256').update(bytes).digest('hex'),
      }));
      await pair.dana(mirrored.ticket, noteToSupplier, '<p>Logs from here.</p>', { attachments: files });
      await pair.lena(mirrored.far, northwindNames.outcomes.update, '<p>Logs from there.</p>', { attachments: files });
      const wanted = files.map(({ sha256 }) => sha256).toSorted();
      for (const [desk, id, text] of [
        [pair.north, mirrored.far, 'Logs from here'],
        [pair.acme, mirrored.ticket, 'Logs from there'],
      ] as const) {
        const note = await desk.note(id, text);
        const seen = await desk.shows(id, 'three files', (now) => {
          const of = now.attachments.filter((one) => one.action_id === note.id);
          return of.length === 3 && of;
        });
        assert.deepEqual(seen.map(({ sha256 }) => String(sha256)).toSorted(), wanted);
      }
      assert.doesNotMatch(
        JSON.stringify(await pair.acme.people.portalTicket(acmeNames.users.priya, mirrored.ticket)),
        /b\.txt/,
      );
    });

    it('brings a picture that is pasted into a note, and shows it in the note', async () => {
      const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
      await pair.lena(mirrored.far, northwindNames.outcomes.update, '<p>Look: <img src="cid:p"></p>', {
        attachments: [{ filename: 'p.png', cid: 'p', data_base64: png.toString('base64') }],
      });
      const note = await pair.acme.note(mirrored.ticket, 'Look:');
      const file = pictureIn(note.note_html, await pair.acme.ticket(mirrored.ticket));
      assert.equal(file?.sha256, createHash('sha256').update(png).digest('hex'));
      assert.ok(note.note_html.includes(pair.acme.url) && !note.note_html.includes(pair.north.url));
    });

    it('says so in the trace when the far desk silently does not take a field', async () => {
      await pair.acme.people.fault({
        kind: 'dropped-field',
        field: 'customfields',
        match: { method: 'POST', path: '/api/actions' },
      });
      await pair.lena(mirrored.far, northwindNames.outcomes.update, '<p>Ninety people.</p>', {
        fields: { [there.headcount]: 90 },
      });
      await pair.acme.note(mirrored.ticket, 'Ninety people');
      await rig.settled();
      const [line] = await told('Ninety people');
      assert.equal(line?.state, 'applied');
      assert.deepEqual(
        line?.drops.map(({ code }) => code),
        ['not-taken'],
      );
      assert.match(line?.drops[0]?.text ?? '', /Acme.*did not take "CFpeopleAffected"/);
    });

    it('keeps every invariant', () => rig.check({ mayWiden }));
  });

const plainKind = {
  buttonname: 'Phone call',
  sequence: 20,
  hidden: false,
  sendemail: false,
  sendemail_via_api: false,
  newstatus: 0,
  systemuse: 'none',
  default_send_to_halo: 0,
  emailtemplate_id: 0,
  fields: ['note'],
};

function field(ticket: TicketSeen, name: string): unknown {
  const found = ticket.customfields.find((one) => one.name === name);
  return found === undefined || found.display === '' ? (found?.value ?? undefined) : found.display;
}

function instant(value: unknown): string {
  const text = String(value);
  return new Date(text.endsWith('Z') ? text : `${text}Z`).toISOString();
}
