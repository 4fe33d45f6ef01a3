import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { acmeNames, acmeSeed } from '#twins/halo/seeds/acme.ts';
import { createHaloTwin } from '#twins/halo/server.ts';
import type { Play } from './support.ts';
import { caller, login, play } from './support.ts';
import { cpuMs } from '#test/support/cpu.ts';

const { tickets, outcomes } = acmeNames;

describe("Halo's API at the twin", () => {
  let acme: Play;
  before(async () => {
    acme = await play(acmeSeed);
  });
  beforeEach(() => acme.twin.reset());
  after(async () => acme.twin.close());

  it('costs less than 300 ms of the processor to start', async () => {
    const began = cpuMs();
    const twin = await createHaloTwin({ seed: acmeSeed });
    const took = cpuMs() - began;
    await twin.close();
    assert.ok(took < 300, `${took} ms`);
  });

  it('tells where to log in and which tenant it is, without a token', async () => {
    const auth = (await (await fetch(`${acme.twin.url}/api/AuthInfo`)).json()) as any;
    assert.deepEqual(auth, { auth_url: `${acme.twin.url}/auth`, tenant_id: 'acme' });
    const instance = (await (await fetch(`${acme.twin.url}/API/instanceinfo`)).json()) as any;
    assert.equal(instance.tenant_id, 'acme');
    assert.equal((await fetch(`${acme.twin.url}/api/health`)).status, 200);
  });

  it('takes a secret as Basic, the tenant in query or form, and refuses a wrong one of each', async () => {
    const { client_id, client_secret } = acmeSeed.applications[0]!;
    const token = (query: string, form: Record<string, string>, basic?: string): Promise<Response> =>
      fetch(`${acme.twin.url}/auth/token${query}`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'client_credentials', ...form }),
        ...(basic === undefined ? {} : { headers: { authorization: `Basic ${btoa(basic)}` } }),
      });
    assert.equal((await token('', {}, `${client_id}:${client_secret}`)).status, 200);
    assert.equal((await token('?tenant=acme', { client_id, client_secret })).status, 200);
    assert.equal((await token('', { client_id, client_secret, tenant: 'acme' })).status, 200);
    const wrongTenant = await token('?tenant=other', { client_id, client_secret });
    assert.deepEqual([wrongTenant.status, await wrongTenant.json()], [400, { error: 'invalid_tenant' }]);
    const wrongSecret = await token('', { client_id, client_secret: 'guess' });
    assert.deepEqual([wrongSecret.status, await wrongSecret.json()], [400, { error: 'invalid_client' }]);
  });

  it('answers 401 without a token that it gave, and 403 beyond the scope', async () => {
    assert.equal((await caller(acme.twin.url, 'made-up').get('/api/tickets')).status, 401);
    const reader = await login(acme.twin, 'read:tickets');
    assert.equal((await reader.get('/api/tickets')).status, 200);
    assert.equal((await reader.post('/api/actions', [{}])).status, 403);
    assert.equal((await reader.get('/api/users')).status, 403);
  });

  it("describes its catalogue in Halo's words", async () => {
    const { body: types } = await acme.api.get('/api/TicketType');
    const row = types.find((type: any) => type.name === 'Incident');
    assert.equal('allowed_actions' in row, false, 'a list has no rights');
    const { body: incident } = await acme.api.get(`/api/TicketType/${row.id}?includedetails=true`);
    assert.ok(incident.allowed_actions.some((one: any) => one.key2_name === outcomes.escalate));
    const { body: kinds } = await acme.api.get('/api/Outcome');
    const escalate = kinds.find((kind: any) => kind.outcome === outcomes.escalate);
    assert.deepEqual(
      [escalate.sendemail, escalate.default_send_to_halo, escalate.hidden, escalate.hidefromuser],
      [1, true, false, true],
    );
    assert.equal('systemuse' in escalate || 'sendemail_via_api' in escalate, false);
    const { body: fields } = await acme.api.get('/api/FieldInfo?typeid=1&includevalues=true');
    const select = fields.find((field: any) => field.name === 'CFimpactScope');
    assert.deepEqual([select.type, select.values.length], [2, 3]);
    const { body: users } = await acme.api.get('/api/Users?search=priya');
    assert.deepEqual([users.record_count, users.users[0].client_name], [1, 'Acme']);
    const { body: suppliers } = await acme.api.get('/api/Supplier');
    assert.equal(suppliers.suppliers[0].name, acmeNames.supplier);
    assert.equal((await acme.api.get('/api/Agent/me')).body.name, acmeNames.agents.api);
    for (const name of ['Status', 'Category', 'Priority', 'Agent', 'Team', 'EmailTemplate']) {
      assert.ok(Array.isArray((await acme.api.get(`/api/${name}`)).body), name);
    }
  });

  it('creates without an id, changes with one, and echoes the ticket', async () => {
    const made = await acme.api.post('/api/Tickets', [
      {
        summary: 'Printer jams',
        details_html: '<p>Tray <b>2</b></p>',
        tickettype_id: 1,
        user_id: 2,
        site_id: 2,
        category_1: 'Hardware>Laptop',
        third_party_id_string: 'abc',
        customfields: [
          { name: 'CFneededBy', value: '2026-12-24' },
          { id: 202, value: 3 },
          { name: 'CFmaintenance', value: '2026-12-24T10:00:00+02:00' },
        ],
      },
    ]);
    assert.equal(made.status, 201);
    assert.deepEqual(
      [made.body.details, made.body.user_email, made.body.client_name, made.body.categoryid_1],
      ['Tray 2', acmeNames.users.tom, 'Acme', 3],
    );
    const field = (name: string): any => made.body.customfields.find((one: any) => one.name === name);
    assert.equal(field('CFneededBy').value, '2026-12-24T00:00:00');
    assert.equal(field('CFneededBy').display, '2026-12-24');
    assert.deepEqual([field('CFimpactScope').value, field('CFimpactScope').display], [3, 'Everybody']);
    assert.equal(field('CFmaintenance').value, '2026-12-24T08:00:00.000');
    const changed = await acme.api.post('/api/tickets', [{ id: made.body.id, status_id: 8 }]);
    assert.equal(changed.body.summary, 'Printer jams');
    assert.equal(changed.body.status_name, 'Resolved');
    assert.notEqual(changed.body.dateclosed, null);
    assert.ok(changed.body.last_update > made.body.last_update);
    assert.match(changed.body.last_update, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}$/);
  });

  it('refuses unknown options, statuses, users of another client, and bodies that are no array', async () => {
    const tries: unknown[] = [
      { summary: 'x' },
      [{ summary: 'x', customfields: [{ name: 'CFimpactScope', value: 'One person' }] }],
      [{ summary: 'x', customfields: [{ name: 'CFnobody', value: 1 }] }],
      [{ summary: 'x', status_id: 77 }],
      [{ summary: 'x', user_id: 1, client_id: 99 }],
      [{ summary: '' }],
      [1],
      [],
      null,
    ];
    for (const body of tries) {
      const answer = await acme.api.post('/api/tickets', body);
      assert.equal(answer.status, 400, JSON.stringify(body));
      assert.equal(typeof answer.body.Message, 'string');
    }
    assert.equal((await acme.api.get('/api/tickets')).body.record_count, 2);
    assert.equal((await acme.api.get('/api/tickets/999')).status, 404);
    assert.equal((await acme.api.get('/api/tickets/zero')).status, 404);
  });

  it('counts action ids per ticket and returns only the last of several unless all are asked for', async () => {
    const note = (ticket_id: number, text: string): unknown => ({ ticket_id, outcome: 'Update', note: text });
    const last = await acme.api.post('/api/Actions', [note(tickets.vpn, 'one'), note(tickets.vpn, 'two')]);
    assert.deepEqual([last.body.id, last.body.note], [2, 'two']);
    const all = await acme.api.post('/api/actions?returnall=true', [
      note(tickets.laptop, 'other'),
      note(tickets.vpn, 'three'),
    ]);
    assert.deepEqual(
      all.body.map((one: any) => [one.ticket_id, one.id]),
      [
        [tickets.laptop, 1],
        [tickets.vpn, 3],
      ],
    );
    await acme.api.del(`/api/Actions/3?ticket_id=${tickets.vpn}`);
    const next = await acme.api.post('/api/actions', [note(tickets.vpn, 'four')]);
    assert.equal(next.body.id, 4, 'an id is not given twice');
  });

  it("records who wrote: the application by its name, another's name and guid where it gives them", async () => {
    const guid = crypto.randomUUID();
    const { body } = await acme.api.post('/api/actions', [
      { ticket_id: tickets.vpn, outcome: 'Internal Note', note: 'hi', who: 'Lena Voss (Northwind)', guid },
    ]);
    assert.deepEqual(
      [body.who, body.guid, body.actionby_application_id, body.actionby_agent_id, body.hiddenfromuser],
      ['Lena Voss (Northwind)', guid, 'Ferry', 3, true],
    );
    assert.equal(body.sync_to_halo_api, null);
    const byAgent = await acme.people.agentAction('Dana Reyes', tickets.vpn, {
      outcome: 'Update',
      note: 'mine',
      who: 'somebody else',
      sync_to_halo_api: 0,
    });
    assert.deepEqual(
      [byAgent.who, byAgent.actionby_agent_id, byAgent.actionby_application_id, byAgent.sync_to_halo_api],
      ['Dana Reyes', 1, 'nethelpdesk-agent-web-application', 0],
    );
  });

  it('finds what changed since a time, that time included, in the order asked for, page by page', async () => {
    const before = (await acme.api.get('/api/tickets?count=100')).body.record_count;
    const ids: number[] = [];
    for (let i = 0; i < 5; i++) {
      ids.push((await acme.api.post('/api/tickets', [{ summary: `n${i}` }])).body.id);
    }
    const { body: third } = await acme.api.get(`/api/tickets/${ids[2]}`);
    const changed = await acme.api.get(
      `/api/Tickets?lastupdatefromdate=${third.last_update}&order=last_update&pageinate=true&page_size=2&page_no=1`,
    );
    assert.deepEqual([changed.body.record_count, changed.body.tickets.map((t: any) => t.id)], [3, ids.slice(2, 4)]);
    const second = await acme.api.get(
      `/api/Tickets?lastupdatefromdate=${third.last_update}Z&order=last_update&pageinate=true&page_size=2&page_no=2`,
    );
    assert.deepEqual(
      second.body.tickets.map((t: any) => t.id),
      ids.slice(4),
    );
    const { body: newest } = await acme.api.get('/api/tickets?count=1');
    assert.deepEqual([newest.tickets[0].id, newest.record_count], [ids[4], before + 5]);
    assert.equal((await acme.api.get('/api/tickets?lastupdatefromdate=nonsense')).status, 400);
    const named = await acme.api.get(`/api/tickets?ticketids=${ids[0]},${ids[1]}`);
    assert.equal(named.body.record_count, 2);
  });

  it('lists actions newest first, with HTML and attachments only when asked', async () => {
    await acme.people.rule({ when: { on: 'action', by: 'agent' }, does: { note_html: 'seen' } });
    await acme.people.agentAction('Dana Reyes', tickets.vpn, {
      outcome: 'Update',
      note_html: '<p>hello</p>',
      attachments: [{ filename: 'a.txt', data_base64: btoa('abc') }],
    });
    const plain = await acme.api.get(`/api/Actions?ticket_id=${tickets.vpn}&excludesys=true`);
    assert.deepEqual([plain.body.record_count, plain.body.actions[0].note], [1, 'hello']);
    assert.ok(!('note_html' in plain.body.actions[0]) && !('attachments' in plain.body.actions[0]));
    const full = await acme.api.get(
      `/api/Actions?ticket_id=${tickets.vpn}&includehtmlnote=true&includeattachments=true`,
    );
    assert.deepEqual(
      full.body.actions.map((a: any) => a.who_type),
      [0, 1],
    );
    assert.equal(full.body.actions[1].note_html, '<p>hello</p>');
    assert.equal(full.body.actions[1].attachments[0].filename, 'a.txt');
    assert.equal((await acme.api.get('/api/Actions')).status, 400);
  });

  it("lets only one of two creations at once succeed, as Halo's numbering race does", async () => {
    const slow = await play(acmeSeed, { createMs: 1_000 });
    try {
      const answers = await Promise.all([
        slow.api.post('/api/tickets', [{ summary: 'a' }]),
        slow.api.post('/api/tickets', [{ summary: 'b' }]),
      ]);
      assert.deepEqual(
        answers.map((one) => one.status).toSorted((a, b) => a - b),
        [201, 500],
      );
      const lost = answers.find((one) => one.status === 500);
      assert.match(lost?.body.Message, /PRIMARY KEY/);
    } finally {
      await slow.twin.close();
    }
  });

  it('deletes a ticket for good and never gives its number again', async () => {
    const first = (await acme.api.post('/api/tickets', [{ summary: 'a' }])).body.id;
    await acme.api.del(`/api/tickets/${first}`);
    const { body: deleted } = await acme.api.get(`/api/tickets/${first}`);
    assert.deepEqual([deleted.id, deleted.deleted, deleted.inactive], [first, true, true]);
    assert.equal(
      (await acme.api.get('/api/tickets?search=a')).body.tickets.some((one: any) => one.id === first),
      false,
    );
    assert.equal((await acme.api.get(`/api/actions?ticket_id=${first}`)).status, 404);
    assert.equal((await acme.api.post('/api/tickets', [{ summary: 'b' }])).body.id, first + 1);
  });

  it('creates a user at a site, once', async () => {
    const made = await acme.api.post('/api/Users', [
      { name: 'New Person', emailaddress: 'new@acme.example', site_id: 2 },
    ]);
    assert.deepEqual([made.status, made.body.site_name], [201, 'Harbour plant']);
    assert.equal((await acme.api.post('/api/users', [{ name: 'x', site_id: 99 }])).status, 400);
  });
});
