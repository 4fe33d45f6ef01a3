import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { parse, stringify } from 'yaml';
import { acmeNames, acmeSeed } from '#twins/halo/seeds/acme.ts';
import { northwindNames, northwindSeed } from '#twins/halo/seeds/northwind.ts';
import { errorDialogPng } from '#twins/halo/picture.ts';
import type { FieldSeen, TicketSeen } from '#twins/halo/client.ts';
import { rtSkip } from '#test/real/rt.ts';
import type { SeedField } from '#test/real/rt-plan.ts';
import { checkout } from '#test/support/process.ts';
import { until } from '#test/support/wait.ts';
import { named } from '#test/support/named.ts';
import { startDeskRig, type DeskRig } from './desk-rig.ts';
import { quickOptions, type LinksFile } from './example-links.ts';
import type { HaloDesk } from './halo-desk.ts';
import { optionsFor } from './halo-pair.ts';
import type { RtDesk } from './rt-desk.ts';
import { quickRtOptions, startNorthwind } from './rt-pair.ts';

const { dana } = acmeNames.agents;
const { priya } = acmeNames.users;
const { noteToSupplier } = acmeNames.outcomes;
const passedOn: SeedField = { name: 'Passed on to', type: 'SelectSingle', options: ['Contoso'] };

/** Northwind in turn is a customer: its RT escalates to Contoso's Halo. */
const onward: LinksFile['links'][string] = {
  customer: {
    instance: 'northwind',
    account: { name: 'Support' },
    outbound: { escalates: { field: 'Passed on to', equals: 'Contoso' }, actions: ['Correspond', 'Comment', 'Status'] },
    inbound: {
      statuses: [
        { from: 'In progress', to: 'open' },
        { from: 'Awaiting client', to: 'stalled' },
        { from: 'Done - confirm', to: 'resolved' },
      ],
      fields: [{ from: 'CFclientDue', to: 'Client due' }],
      actions: [{ from: 'Update', to: 'Comment' }],
      actionDefault: 'Comment',
    } as unknown as LinksFile['links'][string]['customer']['inbound'],
  },
  supplier: {
    instance: 'contoso',
    account: { name: 'Acme', standIn: 'service-desk@acme.example' },
    outbound: { actions: ['Update', 'Resolve third party ticket'] },
    inbound: {
      statuses: [
        { from: 'open', to: 'In progress' },
        { from: 'resolved', to: 'Done - confirm' },
      ],
      fields: [{ from: 'Client due', to: 'CFclientDue' }],
      ticketTypeDefault: 'Managed Incident',
      actionDefault: 'Internal Note',
    } as unknown as LinksFile['links'][string]['customer']['inbound'],
  },
};

for (const profile of ['usual', 'other'] as const)
  describe(`a Halo that escalates to a real Request Tracker (${profile} answers)`, { skip: rtSkip }, () => {
    let rig: DeskRig;
    let acme: HaloDesk;
    let contoso: HaloDesk;
    let north: RtDesk;
    let ticket: number;
    let far: string;
    before(async () => {
      rig = await startDeskRig(`halo_rt_${profile}`);
      [acme, contoso, north] = await Promise.all([
        rig.halo('acme', { seed: acmeSeed, profile }),
        rig.halo('contoso', { seed: northwindSeed, profile }),
        startNorthwind(rig, [passedOn]),
      ]);
      await link();
      await rig.startWorker();
      await rig.live();
      // RT stores seconds, so what is done in the second of the go-live counts as before it.
      const second = Math.floor(Date.now() / 1_000);
      await until(() => Math.floor(Date.now() / 1_000) > second, { what: 'the next second' });
    });
    after(() => rig.close());

    async function link(change?: (link: LinksFile['links'][string]) => void): Promise<void> {
      const file = parse(await readFile(`${checkout}examples/halo-to-rt.yaml`, 'utf8')) as LinksFile;
      const [one] = Object.values(file.links);
      assert.ok(one !== undefined && file.instances['acme'] !== undefined && file.instances['northwind'] !== undefined);
      file.instances['acme']['options'] = { ...quickOptions, ...optionsFor(profile) };
      file.instances['northwind']['options'] = {
        ...quickRtOptions,
        queues: ['Acme', 'Support'],
        categoryField: 'Service',
      };
      const credentials = { clientId: { env: 'CONTOSO_CLIENT_ID' }, clientSecret: { env: 'CONTOSO_CLIENT_SECRET' } };
      const hookSecret = { env: 'CONTOSO_HOOK_SECRET' };
      file.instances['contoso'] = {
        type: 'halo',
        name: 'Contoso',
        url: contoso.url,
        credentials,
        hookSecret,
        options: { ...quickOptions, ...optionsFor(profile) },
      };
      file.links['northwind-contoso'] = onward;
      change?.(one);
      await rig.apply(stringify(file));
    }
    const act = (outcome: string, note: string, more: object = {}): Promise<unknown> =>
      acme.people.agentAction(dana, ticket, { outcome, note_html: note, ...more });

    it('opens in RT’s words, dates and moments unmoved, with template, picture and requester', async () => {
      const made = await acme.people.userTicket(priya, {
        summary: 'VPN drops every hour',
        details_html: '<p>Since <b>Monday</b>:</p><p><img src="cid:vpn.png"></p>',
        type: 'Incident',
        attachments: [{ filename: 'vpn.png', cid: 'vpn.png', data_base64: errorDialogPng().toString('base64') }],
      });
      ticket = made.id;
      await acme.people.edit(ticket, {
        priority: acmeNames.priorities.high,
        category: acmeNames.categories.wifi,
        fields: {
          [acmeNames.fields.scope]: 'Everybody',
          [acmeNames.fields.neededBy]: '2026-12-01',
          // Just before midnight in UTC: another day in Tokyo.
          [acmeNames.fields.maintenance]: '2026-12-01T23:30:00Z',
          [acmeNames.fields.service]: 'LT-4711',
        },
      });
      await act(acmeNames.outcomes.escalate, '<p>Please look at the concentrator.</p>', {
        supplier: acmeNames.supplier,
      });
      far = await acme.shows(ticket, 'the reference', (seen) => /^#(\d+)$/.exec(seen.supplier_reference)?.[1], 60_000);
      const opened = north.ticket(far);
      assert.deepEqual([opened.subject, opened.status, opened.queue], ['VPN drops every hour', 'new', 'Acme']);
      assert.deepEqual(opened.requestors, ['dana.reyes@acme.example']);
      const { RemoteRef, ...values } = opened.fields;
      assert.deepEqual(values, {
        Impact: 'Major',
        Service: 'Connectivity',
        'Client due': '2026-12-01',
        'Work begins': '2026-12-01 23:30:00',
        Serial: 'LT-4711',
      });
      assert.match(RemoteRef ?? '', new RegExp(`^${ticket} http`));
      const [first] = opened.done;
      assert.match(first?.text ?? '', /Dana Reyes \(Acme\).*Please look at the concentrator\..*Since <b>Monday<\/b>/s);
      const picture = opened.done.flatMap(({ files }) => files).find(({ name }) => /vpn|image/.test(name));
      assert.equal(picture?.sha256, createHash('sha256').update(errorDialogPng()).digest('hex'));
      assert.deepEqual(await north.rt.outbox(), []);
    });

    it('shows RT’s reply as a hidden note by “name (Northwind)”, and neither its comments nor its automations', async () => {
      await north.comment(far, '<p>Between us: old firmware.</p>');
      await north.reply(far, '<p>We look into it.</p>');
      const note = await acme.note(ticket, 'We look into it', 60_000);
      assert.deepEqual(
        [note.who, note.outcome, note.hiddenfromuser],
        ['Nora Nord (Northwind)', acmeNames.outcomes.internalNote, true],
      );
      await rig.settled();
      assert.doesNotMatch(JSON.stringify(await acme.ticket(ticket)), /old firmware/);
      assert.deepEqual((await acme.people.portalTicket(priya, ticket)).actions, []);
      assert.deepEqual(await acme.people.outbox(ticket), []);
    });

    it('brings HTML to RT, and RT’s plain text back as HTML that means the same', async () => {
      const html =
        '<p>Tried <b>twice</b>:</p><ul><li>reboot &amp; wait</li><li>1 &lt; 2</li></ul><script>alert(1)</script><p>Grüße</p>';
      await act(noteToSupplier, html);
      const { text } = await north.note(far, 'reboot');
      assert.match(text, /Tried <b>twice<\/b>:.*<li>reboot &amp; wait<\/li>.*1 &lt; 2.*Grüße/s);
      assert.doesNotMatch(text, /alert/);
      await north.reply(far, '', {
        ContentType: 'text/plain',
        Content: 'if a < b && c > d:\n  "restart" [ID:0001003]\n\nGrüße',
      });
      const note = await acme.note(ticket, 'restart', 60_000);
      assert.match(note.note_html, /if a &lt; b &amp;&amp; c &gt; d:<br ?\/?>/);
      assert.match(note.note_html, /Grüße/);
      assert.doesNotMatch(note.note_html, /\[ID:0001003\]/, 'another desk’s mail tag is inert');
    });

    it('carries what RT changes without a note, and what Halo changes with one, in each side’s words and time zone', async () => {
      await north.change(
        far,
        { Status: 'stalled' },
        {
          Impact: 'Minor',
          Service: 'Devices',
          'Client due': '2027-01-15',
          // As somebody in Tokyo writes it.
          'Work begins': '2027-01-16 08:15:00',
          Serial: 'X-1',
        },
      );
      const wanted = ['In Progress', 'Hardware>Laptop', 'One person', 'X-1', '2027-01-15', '2027-01-15T23:15'];
      await acme.shows(
        ticket,
        wanted.join(', '),
        (now) => {
          const due = String(field(now, acmeNames.fields.neededBy)?.value).slice(0, 10);
          const begins = String(field(now, acmeNames.fields.maintenance)?.value).slice(0, 16);
          const { scope, service } = acmeNames.fields;
          const words = [
            now.status_name,
            now.category_1,
            field(now, scope)?.display,
            field(now, service)?.value,
            due,
            begins,
          ];
          return JSON.stringify(words) === JSON.stringify(wanted);
        },
        60_000,
      );
      await act(noteToSupplier, '<p>Changed plans.</p>', {
        status: acmeNames.statuses.waitingOnUser,
        category: acmeNames.categories.vpn,
        fields: {
          [acmeNames.fields.maintenance]: '2027-03-01T00:30:00Z',
          [acmeNames.fields.neededBy]: '2027-02-28',
          [acmeNames.fields.scope]: 'Everybody',
        },
      });
      await north.shows(
        far,
        'what was changed',
        ({ status, fields: now }) =>
          status === 'stalled' &&
          now['Work begins'] === '2027-03-01 00:30:00' &&
          now['Client due'] === '2027-02-28' &&
          now['Impact'] === 'Major' &&
          now['Service'] === 'Connectivity',
      );
    });

    it('brings files both ways, byte for byte', async () => {
      const bytes = randomBytes(200_003);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      await act(noteToSupplier, '<p>Log from Halo.</p>', {
        attachments: [{ filename: 'halo.bin', data_base64: bytes.toString('base64') }],
      });
      assert.deepEqual(
        (await north.note(far, 'Log from Halo')).files.map((file) => [file.name, file.sha256]),
        [['halo.bin', sha256]],
      );
      await north.reply(far, '<p>Log from RT.</p>', {
        Attachments: [
          { FileName: 'rt.bin', FileType: 'application/octet-stream', FileContent: bytes.toString('base64') },
        ],
      });
      await acme.shows(
        ticket,
        'the file',
        (now) => now.attachments.some((file) => file.filename === 'rt.bin' && file.sha256 === sha256),
        60_000,
      );
    });

    it('shows RT’s reply to the end user only where a row says so, and brings the answer back', async () => {
      await link(({ customer }) => {
        customer.inbound['actions'] = [{ from: 'Correspond', to: acmeNames.outcomes.update, audience: 'user' }];
      });
      await north.reply(far, '<p>Please restart it.</p>');
      assert.equal((await acme.note(ticket, 'Please restart it', 60_000)).hiddenfromuser, false);
      const portal = await acme.people.portalTicket(priya, ticket);
      assert.deepEqual(
        portal.actions.map(({ outcome, who }) => [outcome, who]),
        [[acmeNames.outcomes.update, 'Nora Nord (Northwind)']],
      );
      assert.deepEqual(await acme.people.outbox(ticket), []);
      await acme.people.userReply(priya, ticket, { note_html: '<p>It works now.</p>' });
      assert.match((await north.note(far, 'It works now')).text, /End user \(Acme\)/);
      await link();
    });

    it('cannot be set to mail the end user what RT has mailed already', async () => {
      const mailing = { from: 'Correspond', to: acmeNames.outcomes.emailUser, audience: 'user', mailsUser: true };
      await assert.rejects(
        link(({ customer }) => void (customer.inbound['actions'] = [mailing])),
        /mail-on-mail/,
      );
    });

    it('closes both when RT resolves, opens both when the end user replies, and closes both when Halo resolves', async () => {
      // Another ticket, because this many changes of direction within a minute would trip the breaker.
      ticket = (
        await acme.people.userTicket(priya, {
          summary: 'Printer',
          details_html: '<p>Out of toner.</p>',
          type: 'Incident',
        })
      ).id;
      await act(acmeNames.outcomes.escalate, '<p>Please.</p>', { supplier: acmeNames.supplier });
      far = await acme.shows(ticket, 'the reference', (seen) => /^#(\d+)$/.exec(seen.supplier_reference)?.[1], 60_000);
      await north.change(far, { Status: 'resolved' });
      await acme.shows(ticket, 'the status', (now) => now.status_name === acmeNames.statuses.resolved, 60_000);
      await rig.settled();
      assert.equal((await rig.trace('acme', ticket)).mirrors[0]?.state, 'closed');
      await acme.people.userReply(priya, ticket, { note_html: '<p>Not yet.</p>' });
      await north.shows(far, 'the status', ({ status }) => status === 'open');
      await rig.settled();
      assert.equal((await rig.trace('acme', ticket)).mirrors[0]?.state, 'open');
      await act(acmeNames.outcomes.resolve, '<p>Solved by ourselves.</p>');
      await north.shows(far, 'the status', ({ status }) => status === 'resolved');
      await north.note(far, 'Solved by ourselves');
      await rig.settled();
      assert.equal((await rig.trace('acme', ticket)).mirrors[0]?.state, 'closed');
      assert.equal(
        (await acme.people.outbox(ticket)).filter(({ template }) => template === 'Closure Confirmation').length,
        1,
      );
      const mailed = JSON.stringify(await north.rt.outbox());
      assert.doesNotMatch(
        mailed,
        /Solved by ourselves|Not yet|Log from Halo|Tried/,
        'RT mails only what its own agents write',
      );
    });

    it('works the other way round: RT escalates to a Halo by a field, and both hear of each other', async () => {
      const own = await north.logged({ Queue: 'Support', Subject: 'Leased line', Content: 'It is slow.' });
      await north.change(own, {}, { 'Client due': '2026-12-24' });
      await north.change(own, {}, { 'Passed on to': 'Contoso' });
      const reference = await north.shows(
        own,
        'the reference',
        (seen) => /^(\d+) http/.exec(seen.fields['SupplierRef'] ?? '')?.[1],
      );
      const passed = await contoso.ticket(Number(reference));
      assert.deepEqual(
        [passed.summary, passed.tickettype_name, passed.client_name],
        ['Leased line', 'Managed Incident', 'Acme'],
      );
      assert.equal(String(field(passed, 'CFclientDue')?.value).slice(0, 10), '2026-12-24');
      assert.match(passed.details_html, /It is slow\./);
      await north.comment(own, '<p>The one in Leeds.</p>');
      const note = await contoso.note(passed.id, 'The one in Leeds', 60_000);
      assert.deepEqual([note.who, note.outcome], ['Nora Nord (Northwind)', 'Internal Note']);
      const { lena } = northwindNames.agents;
      await contoso.people.agentAction(lena, passed.id, {
        outcome: 'Update',
        note_html: '<p>Line tested.</p>',
        status: 'Awaiting client',
      });
      const heard = await north.note(own, 'Line tested');
      assert.equal(heard.type, 'Comment');
      assert.match(heard.text, /Lena Voss \(Contoso\)/);
      await north.shows(own, 'the status', ({ status }) => status === 'stalled');
      await contoso.people.agentAction(lena, passed.id, {
        outcome: 'Resolve third party ticket',
        note_html: '<p>Fixed.</p>',
      });
      await north.shows(own, 'the status', ({ status }) => status === 'resolved');
      await rig.settled();
      assert.equal((await rig.trace('contoso', passed.id)).mirrors[0]?.state, 'closed');
      assert.deepEqual(await contoso.people.outbox(), []);
      assert.doesNotMatch(JSON.stringify(await contoso.ticket(passed.id)), named('uma'));
    });

    it('never shows the end user’s name or address to RT', () => {
      assert.doesNotMatch(JSON.stringify(north.database.tickets()), named('priya', 'nair'));
    });

    it('keeps every invariant', () => rig.check({ mayWiden: (kind) => kind === 'Correspond' }));
  });

function field(ticket: TicketSeen, name: string): FieldSeen | undefined {
  return ticket.customfields.find((one) => one.name === name);
}
