import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { never, until } from '#test/support/wait.ts';
import { acmeNames, acmeSeed } from '#twins/halo/seeds/acme.ts';
import type { Play } from './support.ts';
import { bytesOf, play } from './support.ts';

const vpn = acmeNames.tickets.vpn;
const note = (text: string): unknown[] => [{ ticket_id: vpn, outcome: 'Update', note: text }];

describe('Troubles a test can order from the twin', () => {
  let acme: Play;
  let ear: Server;
  let heard: any[] = [];
  let earUrl = '';
  before(async () => {
    acme = await play(acmeSeed, { createMs: 0 });
    ear = createServer((request, response) => {
      let text = '';
      request.on('data', (part) => (text += part));
      request.on('end', () => {
        heard.push(JSON.parse(text));
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => ear.listen(0, '127.0.0.1', resolve));
    earUrl = `http://127.0.0.1:${(ear.address() as AddressInfo).port}/hook`;
    await acme.api.post('/api/Webhook', [{ name: 'ear', url: earUrl }]);
  });
  beforeEach(async () => {
    await quiet();
    acme.twin.reset();
    heard = [];
  });
  after(async () => {
    await acme.twin.close();
    ear.closeAllConnections();
    ear.close();
  });

  const notes = async (): Promise<string[]> => (await acme.people.ticket(vpn)).actions.map((action) => action.note);
  const quiet = async (): Promise<unknown> =>
    until(async () => (await pending()) === 0, { what: 'all webhooks to be delivered' });
  /** The request that the only fault waits for has come. */
  const arrived = async (): Promise<unknown> =>
    until(async () => ((await acme.people.call('GET', '/faults')) as unknown[]).length === 0, {
      what: 'the request to arrive',
      everyMs: 1,
    });
  const pending = async (): Promise<number> =>
    ((await acme.people.call('GET', '/webhooks/pending')) as { pending: number }).pending;

  it('limits requests as Halo does, with Retry-After only if ordered, and admits them again later', async () => {
    let now = 1_800_000_000_000;
    const limited = await play(acmeSeed, { rateLimit: { limit: 300 }, now: () => now });
    try {
      for (let i = 0; i < 300; i++) assert.equal((await limited.api.get('/api/status')).status, 200);
      const refusal = await limited.api.get('/api/status');
      assert.deepEqual([refusal.status, refusal.headers.get('retry-after')], [429, null]);
      assert.match(refusal.body, /Rate Limit Reached/);
      await limited.people.rateLimit({ retryAfter: true });
      now += 60_000;
      assert.equal((await limited.api.get('/api/status')).headers.get('retry-after'), '240');
      now += 240_000;
      assert.equal((await limited.api.get('/api/status')).status, 200);
    } finally {
      await limited.twin.close();
    }
  });

  it('commits and loses the reply', async () => {
    const match = { method: 'POST', path: '/api/actions' };
    await acme.people.fault({ kind: 'reply-lost-after-commit', match });
    await assert.rejects(acme.api.post('/api/actions', note('lost')));
    assert.deepEqual(await notes(), ['lost']);
    await acme.api.post('/api/actions', note('next'));
    assert.deepEqual(await notes(), ['lost', 'next']);
  });

  it('breaks a download off in the middle', async () => {
    const content = 'x'.repeat(500_000);
    const { body } = await acme.api.post('/api/attachment', [
      { ticket_id: vpn, filename: 'a', data_base64: btoa(content) },
    ]);
    await acme.people.fault({ kind: 'reply-lost-after-commit', match: { path: '^/cdn/' } });
    await assert.rejects(bytesOf(acme.twin.url, acme.api.token, body.id));
    assert.equal(String(await bytesOf(acme.twin.url, acme.api.token, body.id)), content);
  });

  it('drops the connection before anything is done', async () => {
    await acme.people.fault({ kind: 'drop-before-commit', match: { method: 'POST', times: 2 } });
    await assert.rejects(acme.api.post('/api/actions', note('a')));
    await assert.rejects(acme.api.post('/api/actions', note('b')));
    assert.equal((await acme.api.post('/api/actions', note('c'))).status, 201);
    assert.deepEqual(await notes(), ['c']);
  });

  it('answers 429, 500 and HTML with 200, doing nothing', async () => {
    await acme.people.fault({ kind: '429', retryAfter: 7, match: { path: 'actions' } });
    const limited = await acme.api.post('/api/actions', note('a'));
    assert.deepEqual([limited.status, limited.headers.get('retry-after')], [429, '7']);
    await acme.people.fault({ kind: '500', match: { path: 'actions' } });
    assert.equal((await acme.api.post('/api/actions', note('b'))).status, 500);
    await acme.people.fault({ kind: 'wrong-content-type', match: { path: 'actions', skip: 1 } });
    assert.equal((await acme.api.post('/api/actions', note('c'))).status, 201);
    const html = await acme.api.post('/api/actions', note('d'));
    assert.deepEqual([html.status, html.headers.get('content-type')], [200, 'text/html; charset=UTF-8']);
    assert.deepEqual(await notes(), ['c']);
  });

  it('does a slow write although its caller has left', async () => {
    await acme.people.fault({ kind: 'slow', ms: 2_000, match: { method: 'POST', path: 'actions' } });
    const caller = new AbortController();
    const left = fetch(`${acme.twin.url}/api/actions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${acme.api.token}` },
      body: JSON.stringify(note('late')),
      signal: caller.signal,
    });
    await arrived();
    caller.abort();
    await assert.rejects(left, /abort/);
    await until(async () => (await notes()).length === 1, { what: 'the write nobody waits for' });
  });

  it('commits late with the time of arrival, so that times appear out of order between tickets', async () => {
    await acme.people.fault({ kind: 'late-commit', ms: 2_000, match: { method: 'POST', path: 'actions' } });
    const { laptop } = acmeNames.tickets;
    const late = acme.api.post('/api/actions', note('late'));
    await arrived();
    await acme.api.post('/api/tickets', [{ id: laptop, summary: 'sooner' }]);
    const sooner = (await acme.people.ticket(laptop)).last_update;
    await late;
    assert.ok((await acme.people.ticket(vpn)).last_update < sooner);
  });

  it('loses a field silently: the write answers as if it had been done', async () => {
    const match = { path: '/api/tickets' };
    await acme.people.fault({ kind: 'dropped-field', field: 'status_id', match });
    const body = [{ id: vpn, status_id: 8, supplier_reference: '24018' }];
    assert.equal((await acme.api.post('/api/tickets', body)).status, 201);
    const ticket = await acme.people.ticket(vpn);
    assert.deepEqual([ticket.status_name, ticket.supplier_reference], ['New', '24018']);
  });

  it('is away while it restarts and comes back at the same address with everything it had', async () => {
    await acme.api.post('/api/actions', note('before'));
    await acme.people.fault({ kind: 'restart', ms: 2_000 });
    await until(
      () =>
        acme.api.get('/api/status').then(
          () => false,
          () => true,
        ),
      {
        what: 'the twin to be away',
        everyMs: 1,
      },
    );
    await until(async () => (await acme.api.get('/api/status')).status === 200, {
      what: 'the twin to be back',
    });
    assert.deepEqual(await notes(), ['before']);
  });

  it('ends all tokens when ordered to', async () => {
    const other = await play(acmeSeed);
    try {
      await other.people.fault({ kind: 'revoke-tokens' });
      assert.equal((await other.api.get('/api/status')).status, 401);
    } finally {
      await other.twin.close();
    }
  });

  it('tells webhooks of tickets, actions and closing in sentences, unsigned, and records each delivery', async () => {
    await acme.api.post('/api/tickets', [{ summary: 'new one' }]);
    await until(() => heard.length === 1, { what: 'the first webhook' });
    await acme.people.agentAction('Dana Reyes', vpn, { outcome: 'Resolve', note: 'done' });
    await until(() => heard.length === 3, { what: 'three webhooks' });
    // The two of one action are sent at the same time, and arrive in any order.
    heard.sort((a, b) => Number(/closed/i.test(a.event)) - Number(/closed/i.test(b.event)));
    assert.deepEqual(
      heard.map((one) => [one.event, one.object_id, one.ticket.id]),
      [
        ['new ticket logged', 1003, 1003],
        ['new action', vpn, vpn],
        ['ticket closed', vpn, vpn],
      ],
    );
    const [first] = heard;
    assert.match(first.id, /^[0-9a-f]{8}-/);
    assert.match(first.timestamp, /Z$/);
    for (const name of ['webhook_id', 'notification_id', 'escmsg_id', 'message', 'agent_id'])
      assert.ok(name in first, name);
    await quiet();
    const { body: events } = await acme.api.get('/api/WebhookEvent');
    assert.ok(events.length >= 3);
    assert.deepEqual([events[0].responsestatus, events[0].entity_id], [204, vpn]);
  });

  it('doubles, reorders and drops webhooks when ordered to, and never fails the write', async () => {
    await acme.people.fault({ kind: 'webhook-drop' });
    await acme.api.post('/api/actions', note('dropped'));
    await acme.people.fault({ kind: 'webhook-duplicate' });
    await acme.api.post('/api/actions', note('twice'));
    await until(() => heard.length === 2, { what: 'the doubled webhook' });
    assert.deepEqual(
      heard.map((one) => one.object_id),
      [vpn, vpn],
    );
    heard = [];
    await acme.people.fault({ kind: 'webhook-reorder' });
    await acme.api.post('/api/actions', note('held back'));
    await acme.api.post('/api/actions', [
      { ticket_id: acmeNames.tickets.laptop, outcome: 'Update', note: 'overtakes' },
    ]);
    await until(() => heard.length === 2, { what: 'both webhooks' });
    assert.deepEqual(
      heard.map((one) => one.object_id),
      [acmeNames.tickets.laptop, vpn],
    );
    await never(() => heard.length > 2, { what: 'a third webhook', forMs: 60 });
  });

  it('counts every API request, and nothing that people do at the desk', async () => {
    await acme.people.agentAction('Dana Reyes', vpn, { outcome: 'Update', note: 'n' });
    await acme.api.get(`/api/Tickets/${vpn}`);
    await acme.api.get('/api/tickets/999');
    const report = await acme.people.requests();
    assert.deepEqual(report.counts, { 'GET /api/tickets/:id': 2 });
    assert.deepEqual(
      report.requests.map((one) => [one.status, one.application]),
      [
        [200, 'Ferry'],
        [404, 'Ferry'],
      ],
    );
  });
});
