/** The desk's own pages, as a browser without a script gets and sends them. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';

import { guidIn } from '#twins/halo/pictures.ts';
import { acmeNames, acmeSeed } from '#twins/halo/seeds/acme.ts';
import { acmeDemoSeed, northwindDemoSeed, otherCustomers } from '#twins/halo/seeds/demo.ts';
import { northwindSeed } from '#twins/halo/seeds/northwind.ts';
import { errorDialogPng } from '#twins/halo/picture.ts';
import { createHaloTwin } from '#twins/halo/server.ts';
import { until } from '#test/support/wait.ts';
import type { Play } from './support.ts';
import { play } from './support.ts';

const { vpn, laptop } = acmeNames.tickets;
const { dana, sam } = acmeNames.agents;
const demo = 'http://127.0.0.1:4999';

let acme: Play;
let northwind: Play;
before(async () => {
  acme = await play(acmeSeed, { frameAncestors: [demo] });
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

type Shown = { readonly status: number; readonly headers: Headers; readonly text: string; readonly url: string };

async function open(path: string, { twin }: Play = acme, init: RequestInit = {}): Promise<Shown> {
  const reply = await fetch(twin.url + path, init);
  return { status: reply.status, headers: reply.headers, text: await reply.text(), url: reply.url };
}

async function send(path: string, fields: Readonly<Record<string, string | File>>, at: Play = acme): Promise<Shown> {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return open(path, at, { method: 'POST', body });
}

/** Returns the text of the elements with this test id, without tags, in the page's order. */
function texts(page: string, testid: string): string[] {
  return [...page.matchAll(new RegExp(`<([a-z0-9]+)[^<>]*data-testid="${testid}"[^>]*>`, 'g'))].map((found) => {
    const from = found.index + found[0].length;
    let depth = 1;
    for (const tag of page.slice(from).matchAll(new RegExp(`<(/?)${found[1]}[\\s>]`, 'g'))) {
      depth += tag[1] === '/' ? -1 : 1;
      if (depth > 0) continue;
      const inside = page.slice(from, from + tag.index).replaceAll(/<[^>]*>/g, ' ');
      return inside.replaceAll(/\s+/g, ' ').trim();
    }
    return '';
  });
}

function kindId(at: Play, name: string): string {
  const kind = at.twin.desk.store.named('outcome', name);
  assert.ok(kind !== null, name);
  return String(kind.id);
}

const act = (name: string, fields: Readonly<Record<string, string | File>>, ticket: number = vpn): Promise<Shown> =>
  send(`/desk/tickets/${ticket}/actions`, { kind: kindId(acme, name), agent: dana, ...fields });

suite('the pages of a desk', () => {
  test('list its tickets with number, summary, status, type, priority and customer, open ones first', async () => {
    await acme.people.agentAction(dana, vpn, { outcome: acmeNames.outcomes.resolve, note: 'done' });
    const { status, text } = await open('/desk');
    assert.equal(status, 200);
    assert.match(texts(text, `ticket-${laptop}`)[0] ?? '', /^1002 New laptop .* In Progress Service Request Low Tom/);
    assert.match(texts(text, `ticket-${vpn}`)[0] ?? '', /^1001 VPN drops every hour Resolved Incident High Priya Nair/);
    assert.ok(text.indexOf(`ticket-${laptop}`) < text.indexOf(`ticket-${vpn}`));
    assert.match(text, new RegExp(`href="/desk/tickets/${vpn}"`));
  });

  test('allow nothing inline and nothing from elsewhere, and may be framed by the named origins only', async () => {
    const paths = [
      '/desk',
      '/desk/new',
      `/desk/tickets/${vpn}?action=2`,
      '/portal',
      `/portal/tickets/${vpn}`,
      '/outbox',
    ];
    await act(acmeNames.outcomes.emailUser, { note: 'hello' });
    for (const path of [...paths, '/desk/tickets/999999', '/desk/nowhere']) {
      const { headers, text } = await open(path);
      const policy = headers.get('content-security-policy') ?? '';
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; /);
      assert.match(policy, new RegExp(`connect-src 'self'; form-action 'self'; .*frame-ancestors 'self' ${demo}$`));
      assert.doesNotMatch(text, /<style|\sstyle=|\son[a-z]+=|javascript:|<script(?! src="\/twin\/assets\/)/i, path);
      assert.match(text, /includeIndicatorStyles&quot;:false,&quot;allowEval&quot;:false/);
      for (const [, address = ''] of text.matchAll(/(?:src|<link[^>]* href)="([^"]*)"/g)) {
        assert.match(address, /^\/(?!\/)/, `${path}: ${address}`);
        assert.equal((await open(address)).status, 200, address);
      }
    }
    const other = await open('/desk', northwind);
    assert.match(other.headers.get('content-security-policy') ?? '', /frame-ancestors 'self'$/);
    await assert.rejects(
      createHaloTwin({ seed: acmeSeed, frameAncestors: ["x; script-src 'unsafe-inline'"] }),
      /no origin/,
    );
  });

  test('show who did what on a ticket: hidden notes, mails, changes of status and files are marked', async () => {
    await act(acmeNames.outcomes.escalate, { note: 'Can you help?', supplier: '5' });
    await act(acmeNames.outcomes.emailUser, {
      note: 'We are on it.',
      agent: sam,
      file: new File(['a,b'], 'täble.csv'),
    });
    const { text } = await open(`/desk/tickets/${vpn}`);
    const [mailed = '', escalated = ''] = texts(text, 'entry');
    assert.match(mailed, /Sam Okafor Email User mailed to priya\.nair@acme\.example .* We are on it\./);
    assert.match(
      escalated,
      /Dana Reyes Escalate to MSP hidden from the user sent to the supplier .* Can you help\? New → With supplier/,
    );
    assert.match(text, /data-testid="entry"\s+data-kind="escalate-to-msp"\s+data-hidden="true"/);
    assert.match(text, /data-kind="email-user"\s+data-hidden="false"/);
    assert.match(texts(text, 'file')[0] ?? '', /^täble\.csv/);
    const file = /<a href="(\/desk\/files\/[^"]+)" download="täble\.csv"/.exec(text)?.[1] ?? '';
    const { text: content, headers } = await open(file);
    assert.equal(content, 'a,b');
    assert.match(headers.get('content-disposition') ?? '', /^attachment/);
    const picture = /<img src="(\/desk\/files\/[^"]+)" alt="VPN error"/.exec(text)?.[1] ?? '';
    const bytes = await (await fetch(acme.twin.url + picture)).arrayBuffer();
    assert.deepEqual(Buffer.from(bytes), errorDialogPng());
    assert.deepEqual(texts(text, 'status'), ['With supplier']);
  });

  test('give each action kind the fields that it asks for, and offer those of the workflow only', async () => {
    const form = async (name: string, at: Play = acme, ticket: number = vpn): Promise<string> =>
      (await open(`/desk/tickets/${ticket}?action=${kindId(at, name)}`, at)).text;
    const escalate = await form(acmeNames.outcomes.escalate);
    assert.match(escalate, /data-testid="form-escalate-to-msp"/);
    assert.match(escalate, /name="supplier"[^]*Northwind MSP[^]*Paper &amp; Print Co/);
    assert.match(escalate, /status becomes <span class="pill status-3"/);
    assert.doesNotMatch(escalate, /name="(?:status|send_to|hidden)"/);
    assert.match(await form(acmeNames.outcomes.emailUser), /name="status"/);
    assert.match(await form(acmeNames.outcomes.internalNote), /name="hidden"[^>]*\schecked/);
    const update = await form('Update', northwind, 24017);
    assert.match(update, /name="send_to"[^]*value="2"\s+selected/);
    assert.match(update, /name="picture"[^]*name="file"/);
    const buttons = (text: string): string[] =>
      [...text.matchAll(/data-testid="action-([^"]+)"/g)].map(([, one]) => one ?? '');
    assert.deepEqual(buttons(update).slice(0, 3), [
      'update',
      'indirect-email-to-end-user',
      'resolve-third-party-ticket',
    ]);
    assert.equal(buttons(update).includes('user-reply'), false);
    const change = await northwind.people.agentTicket('Lena Voss', { summary: 'c', tickettype: 'Change' });
    const { status, text } = await open(`/desk/tickets/${change.id}?action=102`, northwind);
    assert.deepEqual(buttons(text), ['update', 'internal-note', 'private']);
    assert.equal(status, 400);
    assert.match(texts(text, 'refusal')[0] ?? '', /You do not have access to this action at the moment/);
  });

  test('write an action as the chosen agent, with pictures in the note where they were pasted', async () => {
    const shot = (name: string): File => new File([new Uint8Array(errorDialogPng())], name, { type: 'image/png' });
    const body = new FormData();
    body.append('kind', kindId(acme, acmeNames.outcomes.update));
    body.append('agent', sam);
    body.append('note', 'Look:\r\n[picture 1]\r\n\r\n<b>5 & 6</b>');
    body.append('picture', shot('a.png'));
    body.append('picture', shot('b.png'));
    body.append('hidden', 'yes');
    const after = await open(`/desk/tickets/${vpn}/actions`, acme, { method: 'POST', body });
    assert.equal(after.status, 200);
    assert.match(after.url, /\/desk\/tickets\/1001\?done=1$/);
    assert.match(texts(after.text, 'done')[0] ?? '', /^Update: done/);
    const [action] = (await acme.people.ticket(vpn)).actions;
    assert.ok(action !== undefined);
    assert.deepEqual([action.who, action.hiddenfromuser, action.attachments.length], [sam, true, 2]);
    const [first, second] = action.attachments.map(({ guid }) => guid);
    const address = `${acme.twin.url}/api/attachment/image?token=`;
    const shown = action.note_html.replaceAll(/src="([^"]+)"/g, (_whole, url: string) => {
      assert.ok(url.startsWith(address));
      return `src="${guidIn(url.slice(address.length))}"`;
    });
    assert.equal(
      shown,
      `<p>Look:<br><img src="${first}" alt="a.png"></p><p>&lt;b&gt;5 &amp; 6&lt;/b&gt;</p><p><img src="${second}" alt="b.png"></p>`,
    );
    assert.equal(
      after.text.match(/<img src="\/desk\/files\//g)?.length,
      3,
      'the page shows both, and that of the request',
    );
    assert.match(after.headers.get('set-cookie') ?? '', /^$/, 'the redirect has set it');
    assert.match(after.text, /&lt;b&gt;5 &amp; 6/);
  });

  test('change the status where the kind lets them, and send to the connected desk as chosen', async () => {
    const fields = { kind: '101', agent: 'Lena Voss', note: 'n', status: '23', send_to: '0' };
    assert.equal((await send('/desk/tickets/24017/actions', fields, northwind)).status, 200);
    const ticket = await northwind.people.ticket(24017);
    assert.equal(ticket.status_name, 'Awaiting client');
    assert.equal(ticket.actions[0]?.sync_to_halo_api, 0);
    await send('/desk/tickets/24017/actions', { ...fields, status: '', send_to: '2' }, northwind);
    assert.equal(
      (await northwind.people.ticket(24017)).actions[1]?.sync_to_halo_api,
      null,
      'what the kind does anyway',
    );
  });

  test("show a refusal in the desk's own words beside the form, keep what was written and write nothing", async () => {
    const { status, text } = await act(acmeNames.outcomes.escalate, { note: 'please </textarea> look', supplier: '' });
    assert.equal(status, 400);
    assert.match(texts(text, 'refusal')[0] ?? '', /^Acme IT refuses: Supplier is required/);
    assert.match(text, /<textarea[^>]*data-testid="note"[^>]*>\s*please &lt;\/textarea&gt; look<\/textarea>/);
    assert.equal((await acme.people.ticket(vpn)).actions.length, 0);
    const unknown = await send(`/desk/tickets/${vpn}/actions`, { kind: '7777', agent: dana, note: 'x' });
    assert.equal(unknown.status, 400);
    assert.match(unknown.text, /You do not have access to this action at the moment/);
    const nobody = await act(acmeNames.outcomes.update, { note: 'x', agent: 'Nobody' });
    assert.match(nobody.text, /Agent Nobody was not found/);
    const large = await open(`/desk/tickets/${vpn}/actions`, acme, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'x'.repeat(33 * 1024 * 1024),
    });
    assert.equal(large.status, 413);
    assert.match(texts(large.text, 'refusal')[0] ?? '', /up to 32 MB/);
  });

  test('log a ticket for a user with type, category, priority and fields', async () => {
    const fields = { agent: sam, summary: '<i>Plotter</i> & paper', note: 'No paper.', user: acmeNames.users.tom };
    const after = await send('/desk/new', {
      ...{ ...fields, type: '2', category: 'Hardware>Laptop', priority: '1', 'field-202': '2' },
      picture: new File([new Uint8Array(errorDialogPng())], 'p.png', { type: 'image/png' }),
    });
    assert.match(after.url, /\/desk\/tickets\/1003$/);
    assert.match(after.text, /&lt;i&gt;Plotter&lt;\/i&gt; &amp; paper/);
    const ticket = await acme.people.ticket(1003);
    assert.deepEqual(
      [ticket.tickettype_name, ticket.category_1, ticket.priority_name, ticket.user_name, ticket.attachments.length],
      ['Service Request', 'Hardware>Laptop', 'Critical', 'Tom Becker', 1],
    );
    assert.equal(ticket.customfields.find(({ label }) => label === 'Impact scope')?.display, 'A team');
    assert.match(after.text, /<img src="\/desk\/files\/\d+/);
    const refused = await send('/desk/new', { ...fields, summary: ' ' });
    assert.equal(refused.status, 400);
    assert.match(texts(refused.text, 'refusal')[0] ?? '', /A summary is required/);
    assert.match(refused.text, /No paper\./);
  });

  test("show the end user their tickets' public thread only, and take a reply", async () => {
    await act(acmeNames.outcomes.internalNote, {
      note: 'secret words',
      hidden: 'yes',
      file: new File(['secret file'], 'secret.txt'),
    });
    await act(acmeNames.outcomes.update, { note: 'open words', file: new File(['fine'], 'open.txt') });
    await acme.api.post('/api/attachment', [
      { ticket_id: vpn, filename: 'quiet.txt', data_base64: 'cQ==', showforusers: false },
    ]);
    const { text } = await open(`/portal/tickets/${vpn}`);
    assert.doesNotMatch(text, /secret|quiet\.txt|\/desk\/tickets|Internal Note/);
    assert.equal(texts(text, 'portal-entry').length, 1);
    assert.match(texts(text, 'portal-entry')[0] ?? '', /Dana Reyes .* open words open\.txt/);
    const files = (await acme.people.ticket(vpn)).attachments;
    for (const [name, status] of [
      ['open.txt', 200],
      ['vpn.png', 200],
      ['secret.txt', 404],
      ['quiet.txt', 404],
    ] as const) {
      const id = files.find(({ filename }) => filename === name)?.id ?? 0;
      assert.equal((await open(`/portal/files/${id}`)).status, status, name);
    }
    const after = await send(`/portal/tickets/${vpn}/replies`, { note: 'It <works>' });
    assert.match(after.url, /\?done=3$/);
    assert.match(texts(after.text, 'portal-entry')[1] ?? '', /You .* It &lt;works&gt;/);
    assert.equal((await acme.people.ticket(vpn)).actions.at(-1)?.outcome, acmeNames.outcomes.userReply);
    const list = await open(`/portal?user=${acmeNames.users.tom}`);
    assert.match(list.text, /data-testid="portal-ticket-1002"/);
    assert.doesNotMatch(list.text, /portal-ticket-1001/);
  });

  test("show the mail of the desk in its template, which this desk's words and pictures are in", async () => {
    await act(acmeNames.outcomes.emailUser, { note: 'Try <again>.' });
    const { text } = await open('/outbox');
    assert.match(text, /data-testid="mail"\s+data-to="priya\.nair@acme\.example"\s+data-ticket="1001"/);
    assert.match(
      texts(text, 'mail')[0] ?? '',
      /RE: VPN drops every hour \[ID:0001001\] From Acme IT &lt;helpdesk@acme\.example&gt; To priya\.nair@acme\.example/,
    );
    assert.match(text, /Hello Priya Nair,[^]*Try &lt;again&gt;\.[^]*Acme IT Helpdesk/);
    assert.match((await open('/outbox?ticket=1002')).text, /No mail yet/);
  });

  test('say on their live connection which ticket changed, and that all did after a reset', async () => {
    const leaving = new AbortController();
    const reply = await fetch(`${acme.twin.url}/desk/events`, { signal: leaving.signal });
    assert.match(reply.headers.get('content-type') ?? '', /^text\/event-stream/);
    let heard = '';
    const reading = (async () => {
      for await (const part of reply.body ?? []) heard += Buffer.from(part).toString();
    })().catch(() => undefined);
    await until(() => heard.includes('event: connected'), { what: 'the word of being connected' });
    await act(acmeNames.outcomes.update, { note: 'n' });
    await until(() => heard.includes('event: changed\ndata: 1001') && heard.includes('event: ticket-1001'), {
      what: 'the word of the change',
    });
    assert.doesNotMatch(heard, /VPN|Update/, 'it says that, not what');
    heard = '';
    acme.twin.reset();
    await until(() => heard.includes('event: changed\ndata: 0') && heard.includes('event: connected'), {
      what: 'reset',
    });
    leaving.abort();
    await reading;
  });

  test('take no form that another page sends', async () => {
    const note = new URLSearchParams({ kind: '1', agent: dana, note: 'forged' });
    const from = (headers: Record<string, string>): Promise<Shown> =>
      open(`/desk/tickets/${vpn}/actions`, acme, { method: 'POST', body: note, headers });
    for (const headers of [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin: demo, 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      assert.equal((await from(headers)).status, 403, JSON.stringify(headers));
    }
    assert.equal((await acme.people.ticket(vpn)).actions.length, 0);
    assert.equal((await from({ origin: acme.twin.url, 'sec-fetch-site': 'same-origin' })).status, 200);
  });

  test('are where a browser is led to, while a terminal still gets text', async () => {
    const browser = { headers: { accept: 'text/html,application/xhtml+xml' }, redirect: 'manual' } as const;
    assert.equal((await open('/', acme, browser)).headers.get('location'), '/desk');
    assert.equal((await open(`/ticket?id=${vpn}`, acme, browser)).headers.get('location'), `/desk/tickets/${vpn}`);
    assert.match((await open('/')).headers.get('content-type') ?? '', /^text\/plain/);
    const gone = await open('/desk/tickets/4242', acme, { headers: { 'hx-request': 'true' } });
    assert.deepEqual([gone.status, gone.headers.get('hx-redirect'), gone.text], [204, '/desk', '']);
    const typed = await open('/desk/tickets/4242');
    assert.equal(typed.status, 404);
    assert.match(texts(typed.text, 'refusal')[0] ?? '', /Ticket 4242 was not found/);
  });

  test('take their colours from the desk, and only colours', async () => {
    await acme.people.catalogue('status', [{ id: 1, colour: 'red}body{display:none' }]);
    const { text } = await open('/twin/assets/colours.css');
    assert.match(text, /^:root\{--accent:#5b3fd6\}\n\.status-1\{--own:#64748b\}\n/);
    assert.doesNotMatch(text, /display/);
    assert.notEqual(acmeSeed.accent, northwindSeed.accent);
  });
});

suite('the desks of the demo', () => {
  test('start with everyday tickets, the one to escalate on top, nothing in the outbox', async () => {
    const twins = await Promise.all([acmeDemoSeed, northwindDemoSeed].map((seed) => play(seed)));
    try {
      const [left, right] = twins as [Play, Play];
      const { text } = await open('/desk', left);
      assert.equal(/data-testid="ticket-(\d+)"/.exec(text)?.[1], String(vpn));
      assert.equal((await open('/desk', right)).text.match(/data-testid="ticket-/g)?.length, 5);
      for (const at of twins) assert.deepEqual(await at.people.outbox(), []);
      const next = await right.people.agentTicket('Lena Voss', { summary: 'x' });
      assert.equal(next.id, 24018, 'as without them');
      for (const { account, site, standIn } of Object.values(otherCustomers)) {
        assert.ok(right.twin.desk.store.named('client', account) !== null, account);
        assert.ok(right.twin.desk.store.named('site', site) !== null, site);
        assert.ok(right.twin.desk.store.named('user', standIn) !== null, standIn);
      }
    } finally {
      for (const { twin } of twins) await twin.close();
    }
  });
});
