import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { errorDialogPng } from '#twins/halo/picture.ts';
import { named } from '#test/support/named.ts';
import { startDeskRig, type DeskRig } from './desk-rig.ts';
import {
  acmeNames,
  everythingAt,
  farOf,
  mayWiden,
  northwindNames,
  pictureIn,
  startPair,
  type Pair,
} from './halo-pair.ts';

const { priya } = acmeNames.users;
const picture = errorDialogPng();

for (const profile of ['usual', 'other'] as const)
  describe(`a ticket that Acme escalates to Northwind, both on Halo (${profile} answers)`, () => {
    let rig: DeskRig;
    let pair: Pair;
    let ticket: number;
    let far: number;
    before(async () => {
      rig = await startDeskRig(`worked_${profile}`);
      pair = await startPair(rig, { profile });
      await rig.startWorker();
      await rig.live();
    });
    after(() => rig.close());

    it('opens nothing at the supplier while it is only logged and triaged', async () => {
      ticket = await pair.logged({
        summary: 'VPN drops every hour',
        details_html: '<p>Since Monday. This is what I see:</p><p><img src="cid:vpn.png" alt="VPN error"></p>',
        attachments: [{ filename: 'vpn.png', cid: 'vpn.png', data_base64: picture.toString('base64') }],
      });
      await pair.acme.people.edit(ticket, { priority: acmeNames.priorities.high, category: acmeNames.categories.vpn });
      await pair.dana(ticket, acmeNames.outcomes.internalNote, '<p>Triaged: looks like the concentrator.</p>');
      await rig.settled();
      assert.equal((await pair.north.people.tickets()).length, 1, 'only the seed');
    });

    it('opens in the supplier’s type, status, category and priority, requested by the escalating agent', async () => {
      await pair.escalate(ticket, { note_html: '<p>Can you look at the concentrator?</p>' });
      far = await farOf(pair.acme, ticket);
      const opened = await pair.north.ticket(far);
      assert.equal(opened.summary, 'VPN drops every hour');
      assert.equal(opened.tickettype_name, northwindNames.ticketTypes.incident);
      assert.equal(opened.status_name, northwindNames.statuses.new);
      assert.equal(opened.category_1, northwindNames.categories.remoteAccess);
      assert.equal(opened.priority_name, northwindNames.priorities.p2);
      assert.equal(opened.client_name, northwindNames.client);
      assert.equal(opened.user_name, 'Dana Reyes');
      assert.equal(opened.user_email, northwindNames.users.dana);
      assert.equal((await pair.acme.ticket(ticket)).status_name, acmeNames.statuses.withSupplier);
    });

    it('takes the template, the agent’s note, the description and the pasted picture along', async () => {
      const opened = await pair.north.ticket(far);
      assert.match(opened.details_html, /Dana Reyes asks for your help/);
      assert.match(opened.details_html, /Can you look at the concentrator\?/);
      assert.match(opened.details_html, /<h4>VPN drops every hour<\/h4>/);
      assert.match(opened.details_html, /Since Monday\. This is what I see:/);
      const source = /<img[^>]*src="([^"]+)"/.exec(opened.details_html)?.[1] ?? '';
      assert.ok(source.startsWith(pair.north.url), `the picture's source is Northwind's own: ${source}`);
      const original = (await pair.acme.ticket(ticket)).attachments[0];
      const copy = pictureIn(opened.details_html, opened);
      assert.equal(copy?.sha256, original?.sha256);
      assert.equal(copy?.content_type, 'image/png');
      assert.doesNotMatch(opened.details_html, new RegExp(pair.acme.url), 'no address of the other desk');
    });

    it('mails nobody at the supplier when it opens', async () => {
      assert.deepEqual(await pair.north.people.outbox(far), []);
    });

    it('shows the supplier’s update as an internal note by “name (Northwind)”, not in the portal', async () => {
      await pair.lena(far, northwindNames.outcomes.update, '<p>We are on it, firmware is old.</p>');
      const note = await pair.acme.note(ticket, 'firmware is old');
      assert.equal(note.who, 'Lena Voss (Northwind)');
      assert.equal(note.outcome, acmeNames.outcomes.internalNote);
      assert.equal(note.hiddenfromuser, true);
      const portal = await pair.acme.people.portalTicket(priya, ticket);
      assert.deepEqual(portal.actions, []);
    });

    it('shows the customer’s private note at the supplier, by “name (Acme)”', async () => {
      await pair.dana(ticket, acmeNames.outcomes.noteToSupplier, '<p>You may restart it after six.</p>');
      const note = await pair.north.note(far, 'restart it after six');
      assert.equal(note.who, 'Dana Reyes (Acme)');
      assert.equal(note.outcome, northwindNames.outcomes.internalNote);
    });

    it('sends the end user one mail for an indirect e-mail: Acme’s mailbox, Acme’s template, Northwind’s words', async () => {
      await pair.lena(far, northwindNames.outcomes.indirectEmail, '<p>Please restart your laptop.</p>');
      const shown = await pair.acme.note(ticket, 'restart your laptop');
      assert.equal(shown.outcome, acmeNames.outcomes.emailUser);
      await rig.settled();
      const mails = await pair.acme.people.outbox(ticket);
      assert.equal(mails.length, 1);
      const [mail] = mails;
      assert.equal(mail?.from, 'helpdesk@acme.example');
      assert.equal(mail?.to, priya);
      assert.equal(mail?.template, 'Email User');
      assert.match(mail?.body_html ?? '', /Hello Priya Nair,.*Please restart your laptop\..*Acme IT Helpdesk/s);
      assert.deepEqual(await pair.north.people.outbox(), []);
    });

    it('brings the end user’s own reply in the portal to the supplier', async () => {
      await pair.acme.people.userReply(priya, ticket, { note_html: '<p>Restarted, no change.</p>' });
      const note = await pair.north.note(far, 'Restarted, no change');
      assert.equal(note.who, 'End user (Acme)');
      assert.deepEqual(await pair.north.people.outbox(), []);
    });

    it('closes both tickets in their own words when the supplier resolves, with exactly one closure mail', async () => {
      await pair.lena(far, northwindNames.outcomes.resolve, '<p>Firmware updated, it holds.</p>');
      await pair.acme.shows(ticket, 'the status Resolved', (seen) => seen.status_name === acmeNames.statuses.resolved);
      assert.equal((await pair.north.ticket(far)).status_name, northwindNames.statuses.done);
      await rig.settled();
      const closures = (await pair.acme.people.outbox(ticket)).filter(
        (mail) => mail.template === 'Closure Confirmation',
      );
      assert.equal(closures.length, 1);
      assert.match(closures[0]?.body_html ?? '', /Firmware updated, it holds\./);
      assert.deepEqual(await pair.north.people.outbox(), []);
      assert.equal((await rig.trace(pair.acme.id, ticket)).mirrors[0]?.state, 'closed');
    });

    it('shows the end user in the portal what was public and nothing else', async () => {
      const portal = await pair.acme.people.portalTicket(priya, ticket);
      assert.deepEqual(
        portal.actions.map(({ outcome }) => outcome),
        [acmeNames.outcomes.emailUser, acmeNames.outcomes.userReply, acmeNames.outcomes.resolve],
      );
      assert.equal(portal.status, acmeNames.statuses.resolved);
      assert.doesNotMatch(JSON.stringify(portal), /concentrator|firmware is old|after six|Escalate|did not arrive/);
    });

    it('never shows the end user’s name or address to the supplier', async () => {
      const everything = await everythingAt(pair.north);
      assert.match(everything, /Firmware updated/);
      assert.doesNotMatch(everything, named('priya', 'nair'));
    });

    it('closes the supplier’s ticket when the customer resolves, and the end user gets Acme’s one closure mail', async () => {
      const other = await pair.escalated({ summary: 'Solved by ourselves' });
      await pair.dana(other.ticket, acmeNames.outcomes.resolve, '<p>It was the cable.</p>');
      await pair.north.shows(other.far, 'the status', (seen) => seen.status_name === northwindNames.statuses.done);
      const note = await pair.north.note(other.far, 'It was the cable');
      assert.equal(note.who, 'Dana Reyes (Acme)');
      await rig.settled();
      assert.equal((await pair.acme.ticket(other.ticket)).status_name, acmeNames.statuses.resolved);
      assert.equal((await pair.acme.people.outbox(other.ticket)).length, 1);
      assert.deepEqual(await pair.north.people.outbox(), []);
    });

    it('carries an end user’s reply to a closed ticket, and both open again', async () => {
      await pair.acme.people.userReply(priya, ticket, { note_html: '<p>It is back.</p>' });
      await pair.north.note(far, 'It is back');
      await pair.north.shows(far, 'the status', (seen) => seen.status_name === northwindNames.statuses.inProgress);
      assert.equal((await rig.trace(pair.acme.id, ticket)).mirrors[0]?.state, 'open');
    });

    it('keeps every invariant', () => rig.check({ mayWiden }));

    it('leaves no secret and no note in the log', () => {
      assert.doesNotMatch(rig.log(), /demo-secret|concentrator|firmware|restart|priya/i);
    });
  });
