/**
 * What public evidence says about live Halos, row by row, as the twin answers it. By default it does what most people
 * saw; where they saw different things, the other profile has the other answer. twins/halo/README.md says what stays
 * unknown.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { until } from '#test/support/wait.ts';
import { acmeNames, acmeSeed } from '#twins/halo/seeds/acme.ts';
import { northwindSeed } from '#twins/halo/seeds/northwind.ts';
import type { Answer, Api, Play } from './support.ts';
import { caller, login, play } from './support.ts';

const { vpn, laptop } = acmeNames.tickets;
const [application] = acmeSeed.applications;
const { client_id, client_secret } = application!;

const tokenAnswer = (url: string, form: Record<string, string>): Promise<Response> =>
  fetch(`${url}/auth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret, ...form }),
  });

describe('the evidence at the twin', () => {
  let usual: Play;
  let other: Play;
  before(async () => {
    usual = await play(acmeSeed);
    other = await play(acmeSeed, { profile: 'other' });
  });
  beforeEach(() => {
    usual.twin.reset();
    other.twin.reset();
  });
  after(async () => {
    await usual.twin.close();
    await other.twin.close();
  });

  /** An application with these scopes, on the same desk. */
  async function scoped(
    scopes: readonly string[],
    profile: 'usual' | 'other' = 'usual',
  ): Promise<{ own: Play; api: Api }> {
    const own = await play(acmeSeed, { profile, applications: [{ ...application!, scopes }] });
    return { own, api: await login(own.twin) };
  }
  const note = (more: object = {}): unknown[] => [
    { ticket_id: vpn, outcome: 'Update', note_html: '<p>n</p>', ...more },
  ];
  const actionsOf = async (api: Api, id: number, query = ''): Promise<any[]> =>
    (await api.get(`/api/Actions?ticket_id=${id}&includehtmlnote=true${query}`)).body.actions;

  describe('signing in', () => {
    it('tells type, lifetime, granted scopes and who logs in; `all` gives what the application was granted', async () => {
      const { own } = await scoped(['read:customers', 'edit:tickets']);
      try {
        const reply = (await (await tokenAnswer(own.twin.url, { scope: 'all' })).json()) as any;
        assert.deepEqual(
          [reply.token_type, reply.expires_in, reply.scope],
          ['Bearer', 3600, 'read:customers edit:tickets'],
        );
        const claims = JSON.parse(Buffer.from(reply.id_token.split('.')[1], 'base64url').toString());
        assert.deepEqual([claims.sub, claims.name, claims.email], ['3', 'Ferry', 'ferry@acme.example']);
      } finally {
        await own.twin.close();
      }
    });

    it('refuses the whole request for one unknown scope', async () => {
      for (const scope of ['read:tickets read:actions', 'read:teams', 'read:users']) {
        const reply = await tokenAnswer(usual.twin.url, { scope });
        const body = (await reply.json()) as any;
        assert.deepEqual([reply.status, body.error, typeof body.error_description], [400, 'invalid_scope', 'string']);
      }
      assert.equal((await tokenAnswer(usual.twin.url, { scope: 'read:suppliers all:teams read:tickets' })).status, 200);
    });

    it('lets who may edit read, and has actions and files ride on tickets, sites and users on customers', async () => {
      const { own, api } = await scoped(['edit:tickets', 'read:customers']);
      try {
        const files = `/api/Attachment?ticket_id=${vpn}`;
        for (const path of [
          '/api/Tickets',
          `/api/Actions?ticket_id=${vpn}`,
          files,
          '/api/Client',
          '/api/Site',
          '/api/Users',
        ]) {
          assert.equal((await api.get(path)).status, 200, path);
        }
        assert.deepEqual((await api.get('/api/Team')).body, [], 'no teams without their scope');
      } finally {
        await own.twin.close();
      }
    });

    it('answers a missing scope with 403 or 401, and nothing else', async () => {
      for (const [profile, status] of [
        ['usual', 403],
        ['other', 401],
      ] as const) {
        const { own, api } = await scoped(['edit:tickets'], profile);
        try {
          const reply = await api.get('/api/Supplier');
          assert.deepEqual([reply.status, reply.body], [status, '']);
        } finally {
          await own.twin.close();
        }
      }
    });

    it('bounds what an application may do by the rights of its agent for each customer', async () => {
      const own = await play(northwindSeed);
      try {
        await own.people.catalogue('agent', [{ id: 43, clients: [12] }]);
        const { body: made } = await own.api.post('/api/Tickets', [{ summary: 'mine', client_id: 12 }]);
        const { body: list } = await own.api.get('/api/Tickets');
        assert.deepEqual(
          list.tickets.map(({ id }: any) => id),
          [made.id],
          'not the one of Bluebird',
        );
        const paths = ['/api/Tickets/24017', '/api/Actions?ticket_id=24017', '/api/Attachment?ticket_id=24017'];
        for (const path of paths) {
          const reply = await own.api.get(path);
          assert.deepEqual([reply.status, reply.body], [403, ''], path);
        }
        assert.equal((await own.api.post('/api/Actions', [{ ticket_id: 24017, outcome: 'Update' }])).status, 403);
        assert.equal((await own.api.post('/api/Tickets', [{ summary: 'theirs', client_id: 13 }])).status, 403);
      } finally {
        await own.twin.close();
      }
    });
  });

  describe('lists', () => {
    it('takes arrays only, answers 201 with the object, or with an array of it', async () => {
      const one = await usual.api.post('/api/Actions', note());
      assert.deepEqual([one.status, one.body.ticket_id], [201, vpn]);
      const all = await other.api.post('/api/Actions', note());
      assert.deepEqual([all.status, all.body.length, all.body[0].ticket_id], [201, 1, vpn]);
      assert.equal((await usual.api.post('/api/Actions', note()[0])).status, 400);
    });

    it('ignores parameters that it does not know', async () => {
      const plain = await usual.api.get('/api/Tickets');
      const strange = await usual.api.get(
        '/api/Tickets?nonsense=1&order=nonsense&tickettype_ids=99&datesearch=dateoccurred&startdate=2999-01-01',
      );
      assert.deepEqual(strange.body, plain.body);
    });

    it('gives agents as an array or as results, those for applications only where they are asked for', async () => {
      const names = (rows: any[]): string[] => rows.map(({ name }) => name);
      assert.deepEqual(names((await usual.api.get('/api/Agent')).body), ['Dana Reyes', 'Sam Okafor']);
      const asked = await other.api.get('/api/Agent?includeapiagents=true');
      assert.deepEqual(names(asked.body.results), ['Dana Reyes', 'Sam Okafor', 'Ferry']);
      assert.equal((await usual.api.get('/api/Agent?search=nobody')).body.length, 2, 'its search finds nothing out');
    });

    it('gives clients with their count, 50 of them where nobody says how many', async () => {
      const more = Array.from({ length: 120 }, (_, index) => ({
        id: 1000 + index,
        name: `Client ${index}`,
        inactive: false,
      }));
      await usual.people.catalogue('client', more);
      const { body } = await usual.api.get('/api/Client');
      assert.deepEqual([body.record_count, body.clients.length], [121, 50]);
      assert.equal((await usual.api.get('/api/Client?count=200')).body.clients.length, 121);
    });

    it('caps pages at 100, or returns 50 whatever is requested and counts only those', async () => {
      for (const { people, twin } of [usual, other]) {
        twin.reset();
        for (let index = 0; index < 110; index++) await people.agentTicket('Dana Reyes', { summary: `n${index}` });
      }
      const page = (api: Api, size: number, number: number): Promise<Answer> =>
        api.get(`/api/Tickets?pageinate=true&page_size=${size}&page_no=${number}`);
      const first = await page(usual.api, 1000, 1);
      assert.deepEqual([first.body.tickets.length, first.body.record_count], [100, 112]);
      assert.equal((await page(usual.api, 1000, 2)).body.tickets.length, 12);
      assert.equal((await page(usual.api, 1000, 3)).body.tickets.length, 0);
      const capped = await page(other.api, 100, 1);
      assert.deepEqual([capped.body.tickets.length, capped.body.record_count], [50, 50]);
      assert.equal((await page(other.api, 10, 3)).body.tickets.length, 12);
    });

    it('orders tickets newest first, by id or by when they occurred where asked; by change only in one profile', async () => {
      for (const { api, people, twin } of [usual, other]) {
        twin.reset();
        await people.edit(vpn, { summary: 'changed last' });
        const ids = async (query: string): Promise<number[]> =>
          (await api.get(`/api/Tickets?${query}`)).body.tickets.map(({ id }: any) => id);
        assert.deepEqual(await ids(''), [laptop, vpn]);
        assert.deepEqual(await ids('order=id'), [vpn, laptop]);
        assert.deepEqual(await ids('order=dateoccured&orderdesc=true'), [laptop, vpn]);
        const byChange = await ids('order=last_update&orderdesc=true');
        assert.deepEqual(byChange, twin === usual.twin ? [vpn, laptop] : [laptop, vpn]);
      }
    });

    it('searches dates in a column by its one-r name, filters by type as requesttype_id, and takes an instant for changes', async () => {
      const count = async (query: string): Promise<number> =>
        (await usual.api.get(`/api/Tickets?${query}`)).body.tickets.length;
      assert.equal(await count('datesearch=dateoccured&startdate=2999-01-01'), 0);
      assert.equal(await count('datesearch=dateoccured&startdate=2000-01-01'), 2);
      assert.equal(await count('requesttype_id=2'), 1);
      assert.equal(await count('lastupdatefromdate=2999-01-01T00:00:00'), 0);
    });

    it('filters by type as requesttype too, and dates of closing by datecleared', async () => {
      const ids = async (query: string): Promise<number[]> =>
        (await usual.api.get(`/api/Tickets?${query}`)).body.tickets.map(({ id }: any) => id);
      assert.deepEqual(await ids('requesttype=2'), await ids('requesttype_id=2'));
      assert.equal((await ids('requesttype=2')).length, 1);
      await usual.people.agentAction('Dana Reyes', vpn, { outcome: 'Resolve', note: 'x' });
      assert.deepEqual(await ids('datesearch=datecleared&startdate=2000-01-01'), [vpn]);
      assert.deepEqual(await ids('datesearch=datecleared&startdate=2999-01-01'), []);
    });

    it('gives statuses, priorities, types, categories and fields as bare arrays', async () => {
      for (const path of ['Status', 'Priority', 'TicketType', 'Category', 'FieldInfo'])
        assert.ok(Array.isArray((await usual.api.get(`/api/${path}`)).body), path);
    });

    it('finds users by what they are called, and answers a POST of one as of everything', async () => {
      const { body } = await usual.api.get('/api/Users?search=priya');
      assert.deepEqual([body.record_count, body.users[0].name], [1, 'Priya Nair']);
      const user = [{ name: 'New Person', site_id: 1, emailaddress: 'new@acme.example' }];
      assert.equal((await usual.api.post('/api/Users', user)).body.name, 'New Person');
      assert.equal((await other.api.post('/api/Users', user)).body[0].name, 'New Person');
    });

    it('leaves long and joined properties out of the rows of tickets', async () => {
      const { tickets } = (await usual.api.get('/api/Tickets')).body;
      const left = ['details_html', 'customfields', 'third_party_id_string', 'status_name', 'priority_name'];
      for (const name of left) assert.equal(name in tickets[0], false, name);
      for (const name of [
        'client_name',
        'user_name',
        'user_email',
        'merged_into_id',
        'last_update',
        'lastactiondate',
      ]) {
        assert.ok(name in tickets[0], name);
      }
      for (const name of left.slice(0, 3)) assert.ok(name in (await usual.api.get(`/api/Tickets/${vpn}`)).body, name);
    });
  });

  describe('tickets', () => {
    it('shows changes without any action when hold times are recomputed: last_update moves, lastactiondate stays', async () => {
      const before = (await usual.api.get(`/api/Tickets/${vpn}`)).body;
      await usual.people.recompute();
      const now = (await usual.api.get(`/api/Tickets/${vpn}`)).body;
      assert.ok(now.last_update > before.last_update);
      assert.equal(now.lastactiondate, before.lastactiondate);
      assert.equal((await actionsOf(usual.api, vpn)).length, 0);
    });

    it('writes never as 1899-12-30, keeps that a ticket was closed once, and UTC with or without a Z', async () => {
      await usual.people.agentAction('Dana Reyes', vpn, { outcome: 'Resolve', note: 'x' });
      await usual.people.agentAction('Dana Reyes', vpn, { outcome: 'Reopen', note: 'x' });
      const { dateclosed, hasbeenclosed, last_update } = (await usual.api.get(`/api/Tickets/${vpn}`)).body;
      assert.deepEqual([dateclosed, hasbeenclosed], ['1899-12-30T00:00:00', true]);
      assert.match(last_update, /\.\d{3}$/);
      const there = (await other.api.get(`/api/Tickets/${vpn}`)).body;
      assert.match(there.last_update, /\.\d{7}Z$/);
      assert.match(there.dateclosed, /^1900-01-01T00:00:00/);
      for (const targetdate of ['2027-01-01T10:00:00', '2027-01-01T10:00:00Z', '2027-01-01T11:00:00+01:00']) {
        await usual.api.post('/api/Tickets', [{ id: vpn, targetdate }]);
        assert.equal((await usual.api.get(`/api/Tickets/${vpn}`)).body.targetdate, '2027-01-01T10:00:00.000');
      }
    });

    it('shows a deleted ticket with its mark, or not at all, and lists neither', async () => {
      for (const { people } of [usual, other]) await people.remove(vpn);
      const { status, body } = await usual.api.get(`/api/Tickets/${vpn}`);
      assert.deepEqual([status, body.deleted, body.inactive], [200, true, true]);
      assert.equal((await other.api.get(`/api/Tickets/${vpn}`)).status, 404);
      assert.ok((await usual.api.get('/api/Tickets')).body.tickets.every(({ id }: any) => id !== vpn));
      for (const { api } of [usual, other]) {
        const deleted = (await api.get('/api/Tickets?deleted=true')).body.tickets;
        assert.deepEqual(
          deleted.map(({ id }: any) => id),
          [vpn],
        );
        await api.post('/api/Tickets', [{ id: vpn, deleted: false }]);
        const { status: now, body: back } = await api.get(`/api/Tickets/${vpn}`);
        assert.deepEqual([now, back.deleted], [200, false]);
      }
    });

    it('keeps what names the ticket elsewhere, and a category as its path', async () => {
      const wanted = {
        client_reference: 'C-1',
        supplier_reference: 'S-1',
        thirdparty_url: 'https://x.example/1',
        third_party_id_string: 'mark-1',
        reportedby: 'Ann Lee',
        category_1: 'Network>VPN',
      };
      const switches = {
        sendack: false,
        donotapplytemplateintheapi: true,
        dont_do_rules: true,
        _prevent_outgoing: true,
      };
      const { body: made } = await usual.api.post('/api/Tickets', [{ summary: 'x', ...wanted, ...switches }]);
      const { body } = await usual.api.get(`/api/Tickets/${made.id}`);
      for (const [name, value] of Object.entries(wanted)) assert.equal(body[name], value, name);
      for (const name of ['id', 'status_id', 'tickettype_id', 'priority_id', 'client_id', 'site_id', 'user_id'])
        assert.equal(typeof body[name], 'number', name);
    });

    it('takes a user only with a site of the same client', async () => {
      const tried = async (more: object): Promise<number> =>
        (await usual.api.post('/api/Tickets', [{ summary: 'x', ...more }])).status;
      assert.equal(await tried({ user_id: 2 }), 400);
      assert.equal(await tried({ user_id: 2, client_id: 1 }), 400);
      assert.equal(await tried({ user_id: 2, client_id: 1, site_id: 2 }), 201);
    });

    it("refuses a new ticket without its type's mandatory fields, unless asked not to validate", async () => {
      await usual.people.catalogue('tickettype', [{ id: 1, mandatory: ['CFaffectedService', 'category_1'] }]);
      const create = (more: object): Promise<Answer> =>
        usual.api.post('/api/Tickets', [{ summary: 'x', tickettype_id: 1, ...more }]);
      assert.match((await create({})).body.Message, /required fields: Affected service/);
      const customfields = [{ name: 'CFaffectedService', value: 'VPN' }];
      assert.match((await create({ customfields })).body.Message, /category_1/);
      assert.equal((await create({ customfields, category_1: 'Network>VPN' })).status, 201);
      assert.equal((await create({ _novalidate: true })).status, 201);
      const { body: rows } = await usual.api.get('/api/TicketType');
      assert.deepEqual(
        rows.map((row: any) => row.hasmandatorytechfields),
        [true, false],
      );
    });

    it("tells in a type's form what is hidden, optional, recommended (2) and mandatory (3), by the names of columns, maybe in groups", async () => {
      for (const [desk, form] of [
        [usual, (body: any) => body.fields],
        [other, (body: any) => body.fields.flatMap((row: any) => row.group.fields)],
      ] as const) {
        await desk.people.catalogue('tickettype', [
          { id: 2, mandatory: ['priority_id', 'category_1', 'CFaffectedService'], recommended: ['urgency'] },
        ]);
        const { body } = await desk.api.get('/api/TicketType/2?includedetails=true');
        assert.deepEqual(
          form(body).map(({ technew, fieldinfo }: any) => [fieldinfo.name, technew, fieldinfo.custom]),
          [
            ['symptom', 3, 0],
            ['symptom2', 2, 0],
            ['urgency', 2, 0],
            ['seriousness', 3, 0],
            ['category2', 3, 0],
            ['CFaffectedService', 3, 1],
          ],
        );
        await desk.people.catalogue('tickettype', [{ id: 2, mandatory: [], recommended: [] }]);
      }
    });

    it('logs each new ticket as action 1, with the description, by its creator', async () => {
      const { body: made } = await usual.api.post('/api/Tickets', [{ summary: 'x', details_html: '<p>Please</p>' }]);
      const [entry, ...none] = await actionsOf(usual.api, made.id);
      assert.deepEqual(
        [entry.id, entry.note_html, entry.who_type, entry.actionby_application_id, none.length],
        [1, '<p>Please</p>', 1, 'Ferry', 0],
      );
      const byUser = await usual.people.userTicket(acmeNames.users.priya, { summary: 'y', details_html: '<p>Me</p>' });
      const [own] = await actionsOf(usual.api, byUser.id);
      assert.deepEqual([own.id, own.who_type, own.actionby_user_id, own.note], [1, 2, 1, 'Me']);
      assert.deepEqual(byUser.actions, [], 'the portal shows the request itself');
    });

    it('lets what was written be read only later, where that is ordered', async () => {
      let now = 1_800_000_000_000;
      const own = await play(acmeSeed, { now: () => now });
      try {
        const later = (path: string): Promise<void> =>
          own.people.fault({ kind: 'readable-later', ms: 60_000, match: { method: 'POST', path } });
        await later('/api/tickets');
        const { body: made } = await own.api.post('/api/Tickets', [{ summary: 'new' }]);
        await later('/api/actions');
        await own.api.post('/api/Actions', note({ new_status: 2 }));
        await later('/api/tickets');
        await own.api.post('/api/Tickets', [{ id: laptop, summary: 'renamed' }]);
        const look = async (): Promise<unknown[]> => [
          (await own.api.get(`/api/Tickets/${made.id}`)).status,
          (await own.api.get('/api/Tickets')).body.tickets.some(({ id }: any) => id === made.id),
          (await actionsOf(own.api, vpn)).length,
          (await own.api.get(`/api/Tickets/${vpn}`)).body.status_id,
          (await own.api.get(`/api/Tickets/${laptop}`)).body.summary === 'renamed',
        ];
        assert.deepEqual(await look(), [404, false, 0, 1, false]);
        now += 60_001;
        assert.deepEqual(await look(), [200, true, 1, 2, true]);
      } finally {
        await own.twin.close();
      }
    });

    it('moves actions into the ticket that stays, with other ids and the same times and UUIDs', async () => {
      const { body: said } = await usual.api.post('/api/Actions', note());
      await usual.people.merge(vpn, laptop);
      const moved = (await actionsOf(usual.api, laptop)).find(
        ({ merged_from_ticketid }) => merged_from_ticketid === vpn,
      );
      assert.deepEqual([moved.guid, moved.datetime, moved.note_html], [said.guid, said.datetime, '<p>n</p>']);
      assert.ok((await actionsOf(usual.api, vpn)).every(({ guid }) => guid !== said.guid));
      const { tickets } = (await usual.api.get('/api/Tickets')).body;
      assert.equal(tickets.find(({ id }: any) => id === vpn).merged_into_id, laptop);
    });

    it('offers in each step of a workflow what that step allows, and moves on with an action', async () => {
      const steps = [
        { step: 1, actions: [1, 7], statuses: [1, 2], next: { 7: 2 } },
        { step: 2, actions: [1, 6] },
      ];
      await usual.people.catalogue('tickettype', [{ id: 1, steps }]);
      const { body: made } = await usual.api.post('/api/Tickets', [{ summary: 'x', tickettype_id: 1 }]);
      const act = async (outcome: string, more: object = {}): Promise<Answer> =>
        usual.api.post('/api/Actions', [{ ticket_id: made.id, outcome, note: 'n', _prevent_outgoing: true, ...more }]);
      assert.match((await act('Resolve')).body.Message, /do not have access to this action/);
      assert.equal((await act('Update', { new_status: 4 })).status, 400);
      assert.equal((await act('Internal Note')).status, 201);
      assert.equal((await usual.api.get(`/api/Tickets/${made.id}`)).body.workflow_step, 2);
      assert.equal((await act('Internal Note')).status, 400);
      assert.equal((await act('Resolve')).status, 201);
    });

    it('keeps the status of a ticket that waits for approval', async () => {
      await usual.people.catalogue('outcome', [{ id: 1, asksApproval: true }]);
      await usual.api.post('/api/Actions', note());
      assert.equal((await usual.api.get(`/api/Tickets/${vpn}`)).body.approval_status, 1);
      const change = (): Promise<Answer> => usual.api.post('/api/Tickets', [{ id: vpn, status_id: 2 }]);
      assert.match((await change()).body.Message, /do not have access/);
      await usual.people.approve(vpn);
      assert.equal((await change()).status, 201);
    });
  });

  describe('actions', () => {
    it('lists them newest first with a count, takes neither pages nor another order, and wants a ticket', async () => {
      for (const text of ['one', 'two', 'three']) await usual.api.post('/api/Actions', note({ note_html: text }));
      const ids = async (query: string): Promise<number[]> =>
        (await actionsOf(usual.api, vpn, query)).map(({ id }) => id);
      assert.deepEqual(await ids(''), [3, 2, 1]);
      assert.deepEqual(await ids('&count=2'), [3, 2]);
      assert.deepEqual(await ids('&orderdesc=false&pageinate=true&page_size=1&page_no=2'), [3, 2, 1]);
      const { body } = await usual.api.get(`/api/Actions?ticket_id=${vpn}`);
      assert.deepEqual([body.ticket_id, body.record_count], [vpn, 3]);
      assert.equal((await usual.api.get('/api/Actions')).status, 400);
      assert.equal((await other.api.get('/api/Actions')).status, 500);
    });

    it('names the application, of people that of the web client, and the kind of who acted', async () => {
      await usual.api.post('/api/Actions', note({ who: 'Ann Lee (Northwind)', who_agentid: 1, agentid: 1 }));
      await usual.people.agentAction('Dana Reyes', vpn, { outcome: 'Update', note: 'x' });
      await usual.people.userReply(acmeNames.users.priya, vpn, { note: 'x' });
      await usual.people.rule({ when: { on: 'action', by: 'agent' }, does: { note_html: 'robot' } });
      await usual.people.agentAction('Dana Reyes', vpn, { outcome: 'Update', note: 'x' });
      const all = (await actionsOf(usual.api, vpn)).toReversed();
      assert.deepEqual(
        all.map(({ who, who_type, who_agentid, actionby_application_id: by }) => [who, who_type, who_agentid, by]),
        [
          ['Ann Lee (Northwind)', 1, 3, 'Ferry'],
          ['Dana Reyes', 1, 1, 'nethelpdesk-agent-web-application'],
          ['Priya Nair', 2, 0, ''],
          ['Dana Reyes', 1, 1, 'nethelpdesk-agent-web-application'],
          ['System', 0, 0, ''],
        ],
      );
      assert.ok(all.every((one) => !('issystem' in one)));
      for (const name of [
        'outcome_id',
        'guid',
        'old_status',
        'new_status',
        'new_status_name',
        'attachment_count',
        'actiondatecreated',
      ]) {
        assert.ok(name in all[0], name);
      }
    });

    it('gives HTML only in lists that ask for it; without, the text with tags stripped', async () => {
      await usual.api.post('/api/Actions', note());
      const plain = (await usual.api.get(`/api/Actions?ticket_id=${vpn}`)).body.actions[0];
      const single = (await usual.api.get(`/api/Actions/1?ticket_id=${vpn}&includehtmlnote=true`)).body;
      for (const one of [plain, single]) assert.deepEqual(['note_html' in one, one.note], [false, 'n']);
    });

    it('takes an outcome by name alone, wants one, and changes the status by new_status only', async () => {
      assert.equal((await usual.api.post('/api/Actions', [{ ticket_id: vpn, note: 'x' }])).status, 400);
      assert.equal((await usual.api.post('/api/Actions', [{ ticket_id: vpn, outcome: 'No such' }])).status, 400);
      await usual.api.post('/api/Actions', note({ status_id: 2 }));
      assert.equal((await usual.people.ticket(vpn)).status_name, 'New');
      await usual.api.post('/api/Actions', note({ new_status: 2 }));
      assert.equal((await usual.people.ticket(vpn)).status_name, 'In Progress');
    });

    it('edits and deletes by ticket and id, and answers the action', async () => {
      await usual.api.post('/api/Actions', note());
      assert.equal((await usual.api.post('/api/Actions', [{ id: 1, note_html: 'x' }])).status, 400);
      assert.equal(
        (await usual.api.post('/api/Actions', [{ id: 1, ticket_id: vpn, note_html: 'x' }])).body.note_html,
        'x',
      );
      assert.equal((await usual.api.get(`/api/Actions/9?ticket_id=${vpn}`)).status, 404);
      assert.equal((await usual.api.del('/api/Actions/1')).status, 400);
      assert.deepEqual((await usual.api.del(`/api/Actions/1?ticket_id=${vpn}`)).body.note_html, 'x');
    });

    it('keeps what was written, or cleans its markup, or says it in other words where that is ordered', async () => {
      const html = '<p style="color:red">Keep <b>this</b></p>';
      assert.equal((await usual.api.post('/api/Actions', note({ note_html: html }))).body.note_html, html);
      const [cleaned] = (await other.api.post('/api/Actions', note({ note_html: html }))).body;
      assert.notEqual(cleaned.note_html, html);
      assert.equal(cleaned.note_html.replaceAll(/<[^>]*>/g, ''), 'Keep this');
      await usual.people.fault({ kind: 'rewritten-note', match: { path: '/api/actions' } });
      const { body } = await usual.api.post('/api/Actions', note({ note_html: html }));
      assert.doesNotMatch(body.note_html, /Keep/);
    });

    it('says 0 for the choice where to send of kinds that have none, as the web client does', async () => {
      const update = await usual.people.agentAction('Dana Reyes', vpn, { outcome: 'Update', note: 'x' });
      const { noteToSupplier } = acmeNames.outcomes;
      const offered = await usual.people.agentAction('Dana Reyes', vpn, { outcome: noteToSupplier, note: 'x' });
      assert.deepEqual([update.sync_to_halo_api, offered.sync_to_halo_api], [0, null]);
    });
  });

  describe('outcomes, statuses, priorities and fields', () => {
    it('tells of outcomes by numbers and flags; 7 is the private note; those not offered are listed only when asked', async () => {
      await usual.people.catalogue('outcome', [{ id: 8, notOffered: true }]);
      const { body: kinds } = await usual.api.get('/api/Outcome');
      const kind = (id: number): any => kinds.find((one: any) => one.id === id);
      assert.deepEqual(
        [kind(5).sendemail, kind(5).hidefromuser, kind(7).sendemail, kind(7).hidefromuser],
        [1, false, 0, true],
      );
      assert.deepEqual(
        [kind(7).outcome, kind(3).default_send_to_halo, kind(7).default_send_to_halo],
        ['Internal Note', true, false],
      );
      for (const name of ['systemid', 'hidesendemail', 'respondtype']) assert.ok(name in kind(7), name);
      assert.equal(kind(8), undefined);
      assert.ok(
        (await usual.api.get('/api/Outcome?showhidden=true')).body.some(({ id, hidden }: any) => id === 8 && hidden),
      );
    });

    it('mixes statuses of all things, filters them by type, and has no word for closed', async () => {
      const names = async (api: Api, query: string): Promise<string[]> =>
        (await api.get(`/api/Status${query}`)).body.map(({ name }: any) => name);
      assert.ok((await names(usual.api, '')).includes('Proposal sent'));
      assert.ok(!(await names(usual.api, '?type=ticket')).includes('Proposal sent'));
      assert.ok((await usual.api.get('/api/Status')).body.every((one: any) => !('closed' in one)));
      assert.ok(!(await names(usual.api, '?type=ticket&excludeclosed=true')).includes('Closed'));
      assert.ok((await names(other.api, '?type=ticket&excludeclosed=true')).includes('Closed'));
    });

    it('offers for a type, and a step of its workflow, the statuses that these allow', async () => {
      const steps = [{ step: 1, statuses: [1, 2] }, { step: 2 }];
      await usual.people.catalogue('tickettype', [{ id: 1, allowall_status: false, allowed_status: [1, 2, 4], steps }]);
      const ids = async (query: string): Promise<number[]> =>
        (await usual.api.get(`/api/Status?type=ticket&${query}`)).body.map(({ id }: any) => id);
      assert.deepEqual(await ids('tickettype_id=1'), [1, 2, 4]);
      assert.deepEqual(await ids('tickettype_id=1&workflow_step=1'), [1, 2]);
      assert.ok((await ids('')).length > 4);
    });

    it('numbers types of fields: texts, memos, times, rich texts, whole numbers and money', async () => {
      const kinds = {
        integer: [0, 1],
        money: [0, 2],
        number: [0, 4],
        memo: [1, 0],
        time: [5, 0],
        checkbox: [6, 0],
        rich: [10, 0],
      };
      const values = {
        integer: 3,
        money: 9.5,
        number: 1.5,
        memo: 'a\nb',
        time: '10:30',
        checkbox: true,
        rich: '<b>x</b>',
      };
      const names = Object.keys(kinds) as (keyof typeof kinds)[];
      await usual.people.catalogue(
        'fieldinfo',
        names.map((kind, index) => ({
          id: 400 + index,
          name: `CF${kind}`,
          label: kind,
          kind,
          values: [],
          characterlimit: 0,
        })),
      );
      const { body } = await usual.api.get('/api/FieldInfo?typeid=1');
      for (const kind of names) {
        const { type, inputtype } = body.find(({ name }: any) => name === `CF${kind}`);
        assert.deepEqual([type, inputtype], kinds[kind], kind);
      }
      const customfields = names.map((kind) => ({ name: `CF${kind}`, value: values[kind] }));
      await usual.api.post('/api/Tickets', [{ id: vpn, customfields }]);
      const shown = (await usual.api.get(`/api/Tickets/${vpn}`)).body.customfields;
      for (const kind of names)
        assert.equal(shown.find(({ name }: any) => name === `CF${kind}`).value, values[kind], kind);
    });

    it('has a row of each priority for each level of service, with a UUID and the number that tickets have', async () => {
      const { body } = await usual.api.get('/api/Priority');
      const rows = body.filter(({ name }: any) => name === 'Critical');
      assert.deepEqual(
        rows.map(({ slaid, priorityid }: any) => [slaid, priorityid]),
        [
          [1, 1],
          [2, 1],
        ],
      );
      for (const { id } of rows) assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      assert.equal(new Set(rows.map(({ id }: any) => id)).size, 2);
      assert.equal(typeof (await usual.api.get(`/api/Tickets/${vpn}`)).body.priority_id, 'number');
    });

    it('lists fields of everything, without options, unless asked otherwise; numbers tell their types', async () => {
      const { body: all } = await usual.api.get('/api/FieldInfo');
      assert.ok(all.some(({ name }: any) => name === 'CFserialNumber') && all.every((one: any) => !('values' in one)));
      const { body: own } = await usual.api.get('/api/FieldInfo?typeid=1&includevalues=true');
      const of = (name: string): any => own.find((one: any) => one.name === name);
      assert.equal(of('CFserialNumber'), undefined);
      assert.deepEqual([of('CFimpactScope').type, of('CFimpactScope').values.length], [2, 3]);
      assert.deepEqual(
        ['CFaffectedService', 'CFneededBy', 'CFmaintenance', 'CFpeopleAffected'].map((name) => [
          of(name).type,
          of(name).inputtype,
        ]),
        [
          [0, 0],
          [4, 0],
          [4, 1],
          [0, 4],
        ],
      );
    });

    it('takes a custom field by its name alone, in any case, and shows several options as records or bare ids', async () => {
      const values = [
        { id: 1, name: 'One' },
        { id: 2, name: 'Two' },
      ];
      for (const [one, wanted] of [
        [usual, values],
        [other, [1, 2]],
      ] as const) {
        const field = { id: 300, name: 'CFmany', label: 'Many', kind: 'multiselect', values, characterlimit: 0 };
        await one.people.catalogue('fieldinfo', [field]);
        const customfields = [{ name: 'cfMANY', value: [1, 2] }];
        await one.api.post('/api/Tickets', [{ id: vpn, customfields }]);
        const { body } = await one.api.get(`/api/Tickets/${vpn}`);
        const shown = body.customfields.find(({ name }: any) => name === 'CFmany');
        assert.deepEqual([shown.value, shown.display, shown.type], [wanted, 'One, Two', 3]);
      }
    });
  });

  describe('files', () => {
    const upload = async ({ api }: Play, more: object): Promise<any> => {
      const { body } = await api.post('/api/Attachment', [
        { ticket_id: vpn, filename: 'a.txt', data_base64: 'YWJj', ...more },
      ]);
      return Array.isArray(body) ? body[0] : body;
    };

    it('wants a ticket to list files of, and gives them with their folders', async () => {
      const { id } = await upload(usual, {});
      const { body } = await usual.api.get(`/api/Attachment?ticket_id=${vpn}`);
      assert.deepEqual([body.ticket_id, body.record_count, body.folders], [vpn, 1, []]);
      for (const name of ['filename', 'filesize', 'isimage', 'note', 'type'])
        assert.ok(name in body.attachments[0], name);
      assert.equal(body.attachments[0].id, id);
      assert.equal((await usual.api.get('/api/Attachment')).status, 404);
    });

    it('gives some files as bytes and others as a link, in the other profile all; a link takes no token and runs out', async () => {
      let now = Date.now();
      const own = await play(acmeSeed, { now: () => now });
      try {
        const text = await upload(own, {});
        const image = await upload(own, { filename: 'a.png', isimage: true });
        assert.equal((await own.api.get(`/api/Attachment/${image.id}`)).body, 'abc');
        const { link } = (await own.api.get(`/api/Attachment/${text.id}`)).body;
        assert.equal(await (await fetch(link)).text(), 'abc');
        const { token } = own.api;
        assert.equal((await fetch(link, { headers: { authorization: `Bearer ${token}` } })).status, 400);
        assert.equal((await fetch(link.replace(/signature=.*/, 'signature=x'))).status, 403);
        now += 60_001;
        assert.equal((await fetch(link)).status, 403);
        const other2 = await upload(other, { filename: 'a.png', isimage: true });
        assert.ok('link' in (await other.api.get(`/api/Attachment/${other2.id}`)).body);
      } finally {
        await own.twin.close();
      }
    });

    it('binds an uploaded file that an action describes', async () => {
      const { id, filename, filesize, note: said } = await upload(usual, { note: 'mine' });
      const { body } = await usual.api.post(
        '/api/Actions',
        note({ attachments: [{ id, filename, filesize, note: said }] }),
      );
      assert.deepEqual(
        body.attachments.map((one: any) => [one.id, one.action_id]),
        [[id, 1]],
      );
    });

    it('keeps a file that is not for users out of the portal', async () => {
      await upload(usual, { showforusers: false, filename: 'hidden.txt' });
      await upload(usual, { filename: 'shown.txt' });
      const { attachments } = await usual.people.portalTicket(acmeNames.users.priya, vpn);
      const names = attachments.map(({ filename }) => filename);
      assert.ok(names.includes('shown.txt') && !names.includes('hidden.txt'));
    });
  });

  describe('limits, errors, webhooks', () => {
    it('allows 300 requests in five minutes, or 700', async () => {
      for (const [profile, limit] of [
        ['usual', 300],
        ['other', 700],
      ] as const) {
        const own = await play(acmeSeed, { profile, rateLimit: {}, now: () => 1_800_000_000_000 });
        try {
          for (let index = 0; index < limit; index++) await fetch(`${own.twin.url}/api/health`);
          const refused = await fetch(`${own.twin.url}/api/health`);
          assert.deepEqual(
            [refused.status, await refused.text()],
            [429, `Rate Limit Reached - ${limit} Requests per rolling 5 minute window`],
          );
        } finally {
          await own.twin.close();
        }
      }
    });

    it('answers any status with any body where that is ordered, and has done nothing', async () => {
      await usual.people.fault({ kind: 'status', status: 504, text: '', match: { path: '/api/actions' } });
      assert.equal((await usual.api.post('/api/Actions', note())).status, 504);
      await usual.people.fault({ kind: 'status', status: 403, match: { path: '/api/tickets/', times: 2 } });
      for (const wanted of [403, 403, 200]) assert.equal((await usual.api.get(`/api/Tickets/${vpn}`)).status, wanted);
      assert.equal((await actionsOf(usual.api, vpn)).length, 0);
    });

    it('says what is wrong with a body by the place of each property, and an error of signing in by its name', async () => {
      const { status, body } = await usual.api.post('/api/Tickets', [{ id: 'abc', status_id: {}, summary: 'x' }]);
      assert.deepEqual([status, Object.keys(body)], [400, ['[0].id', '[0].status_id']]);
      assert.ok(Array.isArray(body['[0].id']) && typeof body['[0].id'][0] === 'string');
      assert.equal((await usual.api.post('/api/Actions', note({ outcome_id: 'x' }))).status, 400);
      const unknown = await usual.api.get('/api/Tickets/99999');
      assert.deepEqual([unknown.status, typeof unknown.body.message], [404, 'string']);
    });

    it('gathers deliveries into one where that is chosen, and sends free text as the owner wrote it', async () => {
      const heard: { type: string; text: string }[] = [];
      const ear = createServer((request, response) => {
        let text = '';
        request.on('data', (part) => (text += String(part)));
        request.on('end', () => {
          heard.push({ type: String(request.headers['content-type']), text });
          response.end();
        });
      });
      await new Promise<void>((done) => ear.listen(0, '127.0.0.1', done));
      const own = await play(acmeSeed);
      try {
        const url = `http://127.0.0.1:${(ear.address() as AddressInfo).port}/x`;
        const { body: batched } = await own.api.post('/api/Webhook', [{ url, batched: true, body: 'small' }]);
        await own.people.agentAction('Dana Reyes', vpn, { outcome: 'Update', note: 'one' });
        await own.people.agentAction('Dana Reyes', laptop, { outcome: 'Update', note: 'two' });
        await until(() => heard.flatMap(({ text }) => JSON.parse(text) as unknown[]).length === 2, {
          what: 'both deliveries',
        });
        const all = heard.flatMap(({ text }) => JSON.parse(text) as { object_id: number }[]);
        assert.deepEqual(
          all.map(({ object_id }) => object_id),
          [vpn, laptop],
        );
        await own.api.post('/api/Webhook', [{ id: batched.id, batched: false, body: 'text' }]);
        const before = heard.length;
        await own.people.agentAction('Dana Reyes', vpn, { outcome: 'Update', note: 'three' });
        await until(() => heard.length > before, { what: 'the text' });
        assert.deepEqual(heard.at(-1), { type: 'text/plain', text: `new action: look at ticket ${vpn}` });
      } finally {
        await own.twin.close();
        ear.close();
      }
    });

    it('takes a webhook with a full body, a small one, or the event only, without or with Basic, never signed', async () => {
      const own = await play(acmeSeed);
      try {
        const made = await own.api.post('/api/Webhook', [{ url: 'http://127.0.0.1:9/x', body: 'event' }]);
        assert.deepEqual([made.status, made.body.body], [201, 'event']);
        await own.api.post('/api/Webhook', [{ id: made.body.id, body: 'small', authentication_type: 1 }]);
        const { body } = await own.api.get(`/api/Webhook/${made.body.id}`);
        assert.deepEqual([body.body, body.authentication_type], ['small', 1]);
      } finally {
        await own.twin.close();
      }
    });

    it('answers somebody without a token with 401', async () => {
      assert.equal((await caller(usual.twin.url, 'made-up').get('/api/Tickets')).status, 401);
    });
  });
});
