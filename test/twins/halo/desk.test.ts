import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { acmeNames, acmeSeed } from '#twins/halo/seeds/acme.ts';
import { northwindNames, northwindSeed } from '#twins/halo/seeds/northwind.ts';
import type { Play } from './support.ts';
import { until } from '#test/support/wait.ts';
import { login, play } from './support.ts';

const vpn = acmeNames.tickets.vpn;
const { dana } = acmeNames.agents;
const { priya } = acmeNames.users;

describe('A desk that the twin plays', () => {
  let acme: Play;
  let northwind: Play;
  before(async () => {
    acme = await play(acmeSeed);
    northwind = await play(northwindSeed);
  });
  beforeEach(() => {
    acme.twin.reset();
    northwind.twin.reset();
  });
  after(async () => {
    await acme.twin.close();
    await northwind.twin.close();
  });

  it("escalates only with a supplier and an empty supplier reference, mails nobody, keeps the template's text", async () => {
    const escalate = (more: object): Promise<unknown> =>
      acme.people.agentAction(dana, vpn, {
        outcome: acmeNames.outcomes.escalate,
        note_html: '<p>please look</p>',
        ...more,
      });
    await assert.rejects(escalate({}), /Supplier is required/);
    const action: any = await escalate({ supplier: acmeNames.supplier });
    assert.match(action.emailbody_html, /please look.*VPN drops every hour/s);
    assert.equal(action.new_supplier_id, 5);
    const ticket = await acme.people.ticket(vpn);
    assert.deepEqual(
      [ticket.supplier_name, ticket.status_name, action.hiddenfromuser],
      [acmeNames.supplier, acmeNames.statuses.withSupplier, true],
    );
    assert.equal((await acme.people.outbox()).length, 0);
    await acme.api.post('/api/tickets', [{ id: vpn, supplier_reference: '24018' }]);
    await assert.rejects(escalate({ supplier: acmeNames.supplier }), /An action must be associated with a ticket_id/);
  });

  it("refuses what the workflow does not allow with Halo's own words, to people and to the API", async () => {
    const { body: ticket } = await northwind.api.post('/api/tickets', [
      { summary: 'x', tickettype_id: 32, user_id: 71, site_id: 18 },
    ]);
    const body = { ticket_id: ticket.id, outcome: northwindNames.outcomes.indirectEmail, note: 'n' };
    const refusal = await northwind.api.post('/api/actions', [body]);
    assert.equal(refusal.status, 400);
    assert.equal(refusal.body.Message, 'You do not have access to this action at the moment');
    assert.equal(typeof refusal.body.ClassName, 'string');
    await assert.rejects(
      northwind.people.agentAction('Lena Voss', ticket.id, { outcome: body.outcome }),
      /You do not have access to this action/,
    );
    const status = await northwind.api.post('/api/actions', [
      { ticket_id: ticket.id, outcome: 'Update', note: 'n', new_status: 29 },
    ]);
    assert.equal(status.status, 400);
    assert.equal((await northwind.people.ticket(ticket.id)).actions.length, 0);
    await northwind.people.catalogue('tickettype', [{ id: 32, allowall_actions: true }]);
    assert.equal((await northwind.api.post('/api/actions', [body])).status, 201);
  });

  it('refuses an action that names no ticket, and credentials that stand for no agent', async () => {
    const none = await acme.api.post('/api/actions', [{ outcome: 'Update', note: 'n' }]);
    assert.deepEqual([none.status, none.body.Message], [400, 'An action must be associated with a ticket_id']);
    const [application] = acmeSeed.applications;
    const other = await play(acmeSeed, { applications: [{ ...application!, agent_id: null }] });
    try {
      const api = await login(other.twin);
      const answer = await api.post('/api/actions', [{ ticket_id: vpn, outcome: 'Update' }]);
      assert.deepEqual([answer.status, answer.body.Message], [400, 'This functionality is not supported']);
    } finally {
      await other.twin.close();
    }
  });

  it('mails through the API only where the kind says so and the write does not forbid it', async () => {
    const post = (more: object): Promise<any> =>
      acme.api.post('/api/actions', [{ ticket_id: vpn, outcome: 'Email User', note_html: '<p>try</p>', ...more }]);
    await post({ _prevent_outgoing: true });
    await post({ sendemail: false });
    assert.equal((await acme.people.outbox()).length, 0);
    const sent = await post({});
    const [mail] = await acme.people.outbox(vpn);
    assert.deepEqual([mail?.to, mail?.from, mail?.template], [priya, acmeSeed.mailbox, 'Email User']);
    assert.match(mail?.body_html ?? '', /Hello Priya Nair.*<p>try<\/p>.*Acme IT Helpdesk/s);
    assert.match(mail?.subject ?? '', /\[ID:0001001\]/);
    assert.deepEqual([sent.body.emailto, sent.body.sendemail], [priya, true]);
    await northwind.api.post('/api/actions', [{ ticket_id: 24017, outcome: 'Close and mail', note: 'n' }]);
    assert.equal((await northwind.people.outbox()).length, 0, 'its kind does not mail through the API');
    await northwind.people.agentAction('Lena Voss', 24017, { outcome: 'Close and mail', note: 'n' });
    assert.equal((await northwind.people.outbox()).length, 1);
  });

  it("can't mail where the ticket has no end user", async () => {
    const { body } = await acme.api.post('/api/tickets', [{ summary: "nobody's" }]);
    const answer = await acme.api.post('/api/actions', [{ ticket_id: body.id, outcome: 'Email User', note: 'n' }]);
    assert.equal(answer.status, 400);
  });

  it('acknowledges a new ticket by mail unless the write forbids it', async () => {
    const create = (more: object): Promise<unknown> =>
      northwind.api.post('/api/tickets', [{ summary: 'x', tickettype_id: 31, user_id: 71, site_id: 18, ...more }]);
    await create({ _prevent_outgoing: true });
    await create({ sendack: false });
    assert.equal((await northwind.people.outbox()).length, 0);
    await create({});
    assert.equal((await northwind.people.outbox())[0]?.template, 'Acknowledgement');
  });

  it("closes with one closure mail, and an end user's reply opens the ticket again", async () => {
    await acme.people.agentAction(dana, vpn, { outcome: 'Resolve', note_html: '<p>fixed</p>' });
    const closed = await acme.people.ticket(vpn);
    assert.deepEqual([closed.status_name, closed.dateclosed === null], ['Resolved', false]);
    assert.deepEqual(
      (await acme.people.outbox()).map((mail) => mail.template),
      ['Closure Confirmation'],
    );
    const reply = await acme.people.userReply(priya, vpn, { note: 'It is back' });
    assert.deepEqual(
      [reply.outcome, reply.who, reply.actionby_user_id, reply.actionby_agent_id],
      ['User reply', 'Priya Nair', 1, 0],
    );
    const open = await acme.people.ticket(vpn);
    assert.deepEqual([open.status_name, open.dateclosed], ['In Progress', null]);
    assert.equal((await acme.people.outbox()).length, 1);
  });

  it("never shows a hidden action or another user's ticket in the portal", async () => {
    await acme.people.agentAction(dana, vpn, { outcome: 'Internal Note', note: 'secret one' });
    await acme.people.agentAction(dana, vpn, { outcome: 'Update', note: 'secret two', hidden: true });
    await acme.people.agentAction(dana, vpn, { outcome: 'Update', note: 'for you' });
    await acme.people.agentAction(dana, vpn, {
      outcome: acmeNames.outcomes.escalate,
      supplier: acmeNames.supplier,
      note: 'secret three',
    });
    const seen = await acme.people.portalTicket(priya, vpn);
    assert.deepEqual(
      seen.actions.map((action) => action.note_html),
      ['for you'],
    );
    assert.doesNotMatch(JSON.stringify(seen), /secret|Northwind/);
    await assert.rejects(acme.people.portalTicket(acmeNames.users.tom, vpn), /was not found/);
    await assert.rejects(acme.people.userReply(acmeNames.users.tom, vpn, { note: 'x' }), /was not found/);
    const mine = await acme.people.userTicket(priya, { summary: 'Mouse broken', details: 'a < b' });
    assert.equal(mine.details_html, 'a &lt; b');
    assert.deepEqual(
      (await acme.people.portal(priya)).map((one) => one.id),
      [mine.id, vpn],
    );
  });

  it("takes a form's fields by label and options by name, and notes on the action what it set", async () => {
    const action: any = await acme.people.agentAction(dana, vpn, {
      outcome: 'Update',
      note: 'n',
      status: 'Waiting on user',
      fields: {
        'Impact scope': 'Everybody',
        CFpeopleAffected: 12,
        priority: 'Critical',
        category: 'Network>Wi-Fi',
        summary: 'VPN and Wi-Fi drop',
      },
    });
    const ticket = await acme.people.ticket(vpn);
    assert.deepEqual(
      [ticket.status_name, ticket.priority_name, ticket.category_1, ticket.summary],
      ['Waiting on user', 'Critical', 'Network>Wi-Fi', 'VPN and Wi-Fi drop'],
    );
    assert.deepEqual(
      action.customfields.map((one: any) => one.display),
      ['Everybody', '12'],
    );
    assert.deepEqual(
      [action.new_priority, action.new_category1, action.old_status, action.new_status],
      [1, 'Network>Wi-Fi', 1, 4],
    );
    const edited = await acme.people.edit(vpn, { status: 'In Progress', fields: { 'Needed by': '2027-01-01' } });
    assert.equal(edited.status_name, 'In Progress');
    assert.equal(edited.actions.length, 1, 'an edit by hand leaves no action');
  });

  it('runs automations as system entries or as a bot, unless the write asks for silence', async () => {
    const update = (more: object = {}): Promise<unknown> =>
      acme.api.post('/api/actions', [{ ticket_id: vpn, outcome: 'Update', note: 'n', ...more }]);
    await acme.people.rule({
      name: 'Undo',
      when: { on: 'status', by: 'application', status: 'With supplier' },
      does: { status: 'In Progress', note_html: 'set back' },
    });
    await acme.people.rule({
      name: 'Bot',
      when: { on: 'action', by: 'application' },
      does: { as: 'Sam Okafor', outcome: 'Private note to supplier', note_html: 'thanks!' },
      ignoresSwitches: true,
      delayMs: 20,
    });
    await update({ new_status: 3 });
    const ticket = await acme.people.ticket(vpn);
    assert.equal(ticket.status_name, 'In Progress');
    const entry = ticket.actions[1];
    assert.deepEqual(
      [entry?.issystem, entry?.who, entry?.hiddenfromuser, entry?.actionby_application_id],
      [true, 'System', true, ''],
    );
    await update({ new_status: 3, _dont_fire_automations: true });
    assert.equal((await acme.people.ticket(vpn)).status_name, 'With supplier');
    const bots = await until(
      async () => {
        const { actions } = await acme.people.ticket(vpn);
        const found = actions.filter((action) => action.who === 'Sam Okafor');
        return found.length === 2 && found;
      },
      { what: 'both answers of the bot' },
    );
    assert.deepEqual(
      bots.map((one) => one.issystem),
      [false, false],
    );
  });

  it('closes a merged ticket into its survivor and accepts no more actions on it', async () => {
    await acme.people.merge(vpn, acmeNames.tickets.laptop);
    const merged = await acme.people.ticket(vpn);
    assert.deepEqual([merged.merged_into_id, merged.status_name], [acmeNames.tickets.laptop, 'Closed']);
    const answer = await acme.api.post('/api/actions', [{ ticket_id: vpn, outcome: 'Update', note: 'n' }]);
    assert.match(answer.body.Message, /merged into 1002/);
    assert.equal((await acme.people.ticket(acmeNames.tickets.laptop)).actions[0]?.issystem, true);
  });

  it("orders a ticket's history strictly even when its clock does not advance", async () => {
    const still = await play(acmeSeed, { now: () => 1_800_000_000_000 });
    try {
      for (let i = 0; i < 4; i++) {
        await still.api.post('/api/actions', [{ ticket_id: vpn, outcome: 'Update', note: `n${i}` }]);
      }
      const times = (await still.people.ticket(vpn)).actions.map((action) => action.datetime);
      assert.equal(new Set(times).size, 4);
      assert.deepEqual(times.toSorted(), times);
    } finally {
      await still.twin.close();
    }
  });
});
