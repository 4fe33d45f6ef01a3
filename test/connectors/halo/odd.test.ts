/** Answers that no Halo was seen to give and that one may give all the same: none breaks a list, leaks, or stops the desk. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { HttpClient } from '#connectors/contract/http.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { withCids } from '#connectors/halo/html.ts';
import { readRows } from '#connectors/halo/rows.ts';
import * as wire from '#connectors/halo/wire.ts';
import { acmeNames } from '#twins/halo/seeds/acme.ts';
import { actionsWith, carryOut, commandFor, failure, fileOf, longEnough, readOf } from '#test/connectors/bench.ts';
import { cpuMs } from '#test/support/cpu.ts';
import { changedAt, rowsOf } from './changed.ts';
import { haloBench } from './harness.ts';
import type { HaloBench } from './harness.ts';

let bench: HaloBench;
const http = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] } });

before(async () => {
  bench = await haloBench('acme');
});
after(async () => {
  await bench?.stop();
  await http.close();
});
beforeEach(() => bench.client.clearFaults());

const changed = (change: Parameters<typeof changedAt>[2], over: Partial<ConnectorContext> = {}) =>
  changedAt(bench, http, change, over);
const newTicket = (): Promise<string> => bench.people.createTicket({ summary: 'A ticket', html: '<p>Please help</p>' });

/** Every number and flag as text, however deep. */
function asText(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return value.map(asText);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, asText(inner)]));
}

test('numbers and flags that come as text are what they say, in every list and record', async () => {
  const ticketId = await newTicket();
  await bench.people.agentNote(ticketId, { visible: true, html: '<p>seen</p>' });
  await bench.people.agentNote(ticketId, { visible: false, html: '<p>not seen</p>' });
  const isApi = (path: string): boolean => !/token|authinfo/.test(path);
  const { desk, notices } = changed((path, body) => (isApi(path) ? asText(body) : body));
  assert.deepEqual(await desk.catalogue(longEnough()), await bench.helpdesk.catalogue(longEnough()));
  const bare = ({ snapshot, actions }: Awaited<ReturnType<typeof readOf>>) => ({ snapshot, actions });
  assert.deepEqual(bare(await readOf(desk, ticketId)), bare(await readOf(bench.helpdesk, ticketId)));
  const cursor = await desk.feedStart(longEnough());
  await bench.people.agentNote(ticketId, { visible: false, html: 'news' });
  assert.deepEqual((await desk.feed(cursor, 10, longEnough())).tickets, [ticketId]);
  const carried = await carryOut(desk, commandFor(ticketId, { kind: 'Update', note: '<p>written</p>' }));
  assert.equal((await actionsWith(bench.helpdesk, ticketId, 'written'))[0]?.externalId, carried.actionIds[0]);
  assert.deepEqual(notices, []);
});

test('nulls and rows of another shape are skipped, in any list of tickets, actions, files and options', async () => {
  const ticketId = await newTicket();
  const file = fileOf('kept.txt', 'text/plain', Buffer.from('kept'));
  await carryOut(bench.helpdesk, commandFor(ticketId, { note: '<p>with a file</p>', attachments: [file] }));
  const odd = [null, 7, 'x', [], { id: null }, { id: { deep: 1 } }];
  const around = (list: unknown): unknown =>
    Array.isArray(list) && list.length > 0 ? [...odd, ...(list as unknown[]), ...odd] : list;
  const { desk, notices } = changed((path, body) => {
    if (!/^(Tickets|Actions|Attachment)/.test(path)) return body;
    const record = body as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(record).map(([name, value]) => [
        name,
        name === 'actions'
          ? around(
              (value as Record<string, unknown>[]).map((one) => ({ ...one, attachments: around(one['attachments']) })),
            )
          : around(value),
      ]),
    );
  });
  const cursor = await desk.feedStart(longEnough());
  await bench.people.agentNote(ticketId, { visible: false, html: 'news' });
  assert.deepEqual((await desk.feed(cursor, 10, longEnough())).tickets, [ticketId]);
  const { actions, snapshot } = await readOf(desk, ticketId);
  assert.equal(snapshot.ticketId, ticketId);
  const found = actions.find(({ note }) => note?.includes('with a file') === true);
  assert.deepEqual(
    found?.attachments.map(({ name }) => name),
    ['kept.txt'],
  );
  assert.ok(notices.some((one) => one.startsWith('row-not-understood')));
});

test('an unreadable row is skipped even if it is the only one; a longer list of them is not an empty list', () => {
  const read = (rows: readonly unknown[], isNeeded = false) =>
    readRows(rows, 'tickets', wire.ticketRow, { what: 'x', write: false }, () => undefined, isNeeded);
  assert.deepEqual(read([{ id: 'none' }]).rows, []);
  assert.deepEqual(read([null, null, null]).held, 3);
  assert.throws(() => read([null, null, null, null]), { code: 'not-json' });
  assert.throws(() => read([null], true), { code: 'not-json' });
});

test('one ticket that nobody can read does not stop the feed, alone on its page or not', async () => {
  const desk = bench.connect();
  const cursor = await desk.feedStart(longEnough());
  const [broken, sound] = [await newTicket(), await newTicket()];
  const spoilt = changed((path, body) =>
    path === 'Tickets'
      ? { tickets: rowsOf(body).map((row) => (String(row['id']) === broken ? { ...row, id: 'odd' } : row)) }
      : body,
  );
  const first = await spoilt.desk.feed(cursor, 10, longEnough());
  assert.deepEqual(first.tickets, [sound]);
  const alone = changed((path, body) =>
    path === 'Tickets'
      ? {
          tickets: rowsOf(body)
            .map((row) => ({ ...row, id: 'odd' }))
            .slice(0, 1),
        }
      : body,
  );
  assert.deepEqual((await alone.desk.feed(cursor, 10, longEnough())).tickets, []);
  assert.equal(alone.notices.length, 1);
});

test('values of a field with several options are read without those that nobody understands', () => {
  const { data } = wire.ticket.safeParse({
    id: 1,
    status_id: 1,
    customfields: [{ id: 1, name: 'CFx', value: [null, { id: 4 }, { what: 'ever' }, 'Five', [6]] }],
  });
  assert.deepEqual(data?.customfields?.[0]?.value, [4, 'Five']);
});

test('a count that comes as text counts: what it tells of is asked for', async () => {
  const ticketId = await newTicket();
  for (let index = 0; index < 12; index++)
    await bench.people.agentNote(ticketId, { visible: false, html: `line ${index}` });
  const { desk } = changed((path, body, url) => {
    if (path !== 'Actions') return body;
    const { actions } = body as { actions: unknown[] };
    // Ten at a time, and only the count shows that there are more.
    if (url.searchParams.has('enddate')) return { actions: actions.slice(-3) };
    return { record_count: '13', actions: actions.slice(0, 10) };
  });
  assert.equal((await readOf(desk, ticketId)).actions.length, 13);
});

test('an empty page in the middle is not the end if Halo announces more after it, and costs nothing if it does not', async () => {
  const own = await haloBench('acme');
  try {
    const clients = Array.from({ length: 250 }, (_, index) => ({
      id: 1000 + index,
      name: `Client ${index}`,
      inactive: false,
    }));
    await own.client.catalogue('client', clients);
    const gap = changedAt(own, http, (path, body, url) => {
      const number = Number(url.searchParams.get('page_no'));
      return path === 'Client' && number === 2 ? { record_count: 251, clients: [] } : body;
    });
    const { accounts } = await gap.desk.catalogue(longEnough());
    assert.ok(accounts.includes('Client 0') && accounts.includes('Client 249') && !accounts.includes('Client 120'));
    const asked = gap.seen.filter(({ url }) => url.includes('/Client?')).length;
    assert.equal(asked, 4, 'three pages, and one that finds the end');
    const plain = changedAt(own, http, (_path, body) => body);
    await plain.desk.catalogue(longEnough());
    assert.equal(plain.seen.filter(({ url }) => url.includes('/Client?')).length, 4);
    // A Halo that counts rows which it never shows is not asked indefinitely.
    const liar = changedAt(own, http, (path, body) =>
      path === 'Tickets' ? { record_count: 1_000_000, tickets: [] } : body,
    );
    await liar.desk.feedStart(longEnough());
    assert.ok(liar.seen.filter(({ url }) => url.includes('/Tickets?')).length <= 3);
  } finally {
    await own.stop();
  }
});

test('a page that is repeated in another order ends the list, and what it hides is reported', async () => {
  const own = await haloBench('acme');
  try {
    const clients = Array.from({ length: 150 }, (_, index) => ({
      id: 1000 + index,
      name: `Client ${index}`,
      inactive: false,
    }));
    await own.client.catalogue('client', clients);
    let first: Record<string, unknown>[] = [];
    const stuck = changedAt(own, http, (path, body, url) => {
      if (path !== 'Client') return body;
      if (url.searchParams.get('page_no') === '1') first = rowsOf(body);
      return { record_count: 151, clients: url.searchParams.get('page_no') === '1' ? first : first.toReversed() };
    });
    const { accounts } = await stuck.desk.catalogue(longEnough());
    assert.ok(accounts.includes('Client 0') && !accounts.includes('Client 149'));
    assert.equal(stuck.seen.filter(({ url }) => url.includes('/Client?')).length, 2);
    assert.ok(stuck.notices.some((one) => one.startsWith('list-incomplete')));
  } finally {
    await own.stop();
  }
});

test("another ticket's notes, files and fields are never taken for this one's, where a filter is ignored or a cache is before it", async () => {
  const [mine, theirs] = [await newTicket(), await newTicket()];
  await bench.people.agentNote(theirs, { visible: true, html: '<p>a secret of somebody else</p>' });
  const { body: others } = await raw(`/api/Actions?ticket_id=${theirs}&includehtmlnote=true`);
  const { desk, notices } = changed((path, body) => {
    if (path !== 'Actions') return body;
    const foreign = (others as { actions: Record<string, unknown>[] }).actions.map((one) => ({
      ...one,
      id: Number(one['id']) + 50,
    }));
    return { actions: [...foreign, ...rowsOf(body)] };
  });
  const { actions } = await readOf(desk, mine);
  assert.ok(actions.length > 0 && !JSON.stringify(actions).includes('secret'));
  assert.ok(notices.some((one) => one.includes('actions[].ticket_id')));
  const cached = changed((path, body) =>
    path === `Tickets/${mine}` ? { ...(body as object), id: Number(theirs) } : body,
  );
  const error = await failure(cached.desk.read(mine, null, longEnough()));
  assert.deepEqual([error.class, error.code], ['retry', 'other-ticket']);
});

async function raw(path: string): Promise<{ readonly body: unknown }> {
  const [application] = bench.twin.applications;
  const form = {
    grant_type: 'client_credentials',
    client_id: application?.client_id ?? '',
    client_secret: application?.client_secret ?? '',
  };
  const answer = await fetch(`${bench.twin.url}/auth/token`, { method: 'POST', body: new URLSearchParams(form) });
  const { access_token } = (await answer.json()) as { access_token: string };
  const reply = await fetch(bench.twin.url + path, { headers: { authorization: `Bearer ${access_token}` } });
  return { body: await reply.json() };
}

test('a time in the future is not used as a position: later changes are still found', async () => {
  const desk = bench.connect();
  const ticketId = await newTicket();
  const future = (body: unknown): unknown => ({
    tickets: rowsOf(body).map((row) =>
      String(row['id']) === ticketId ? { ...row, last_update: '9999-12-31T23:59:59.9999999' } : row,
    ),
  });
  const { desk: misled } = changed((path, body) => (path === 'Tickets' ? future(body) : body));
  const cursor = await misled.feedStart(longEnough());
  assert.ok(!cursor.includes('9999'));
  const other = await newTicket();
  assert.ok((await desk.feed(cursor, 10, longEnough())).tickets.includes(other));
});

test('a type of which the details are of another shape restricts nothing, and the others are as they are', async () => {
  const plain = await bench.connect().catalogue(longEnough());
  const { desk } = changed((path, body) => (path === 'TicketType/1' ? { results: [] } : body));
  const { types } = await desk.catalogue(longEnough());
  assert.deepEqual(
    types,
    plain.types.map((type) => (type.name === acmeNames.ticketTypes.incident ? { name: type.name } : type)),
  );
});

test('a Halo that answers the question who we are in another way is read all the same', async () => {
  const ticketId = await newTicket();
  const { desk } = changed((path, body) => (path === 'Agent/me' ? { results: [] } : body));
  assert.equal((await readOf(desk, ticketId)).snapshot.ticketId, ticketId);
});

test('an invalid sign-in address is reported, and nothing crashes', async () => {
  const { desk } = changed((path, body) => (path === 'authinfo' ? { auth_url: 'acme.halopsa.com/auth' } : body));
  const error = await failure(desk.ping(longEnough()));
  assert.deepEqual([error.class, error.code], ['refused', 'bad-sign-in-address']);
  assert.match(error.message, /authUrl/);
});

/** A connector whose downloads come as given. */
function downloads(type: string, text: string | Buffer, length?: string): Helpdesk {
  const altered: HttpClient = {
    request: (request) => http.request(request),
    async stream(request) {
      const reply = await http.stream(request);
      if (!/\/api\/Attachment\/\d+$/.test(new URL(request.url).pathname)) return reply;
      reply.stream.destroy();
      const headers = { 'content-type': type, ...(length === undefined ? {} : { 'content-length': length }) };
      return { status: 200, headers, stream: Readable.from([Buffer.from(text)]) };
    },
  };
  return bench.connect({ http: altered });
}

test('a page that asks to sign in is not taken for a file, and a file that is a page is', async () => {
  const ticketId = await newTicket();
  const attached = async (name: string, type: string): Promise<string> => {
    const file = fileOf(name, type, Buffer.from('<!doctype html><p>Hello</p>'));
    await carryOut(bench.helpdesk, commandFor(ticketId, { note: `<p>has ${name}</p>`, attachments: [file] }));
    const [action] = await actionsWith(bench.helpdesk, ticketId, `has ${name}`);
    return action?.attachments[0]?.id ?? '';
  };
  const [log, page] = [await attached('a.log', 'text/plain'), await attached('b.html', 'text/html')];
  const desk = downloads('text/html; charset=utf-8', '<!doctype html><title>Sign in</title>');
  const error = await failure(desk.openAttachment(ticketId, log, longEnough()));
  assert.deepEqual([error.class, error.code], ['retry', 'not-halo']);
  const opened = await desk.openAttachment(ticketId, page, longEnough());
  assert.match(String(await buffer(opened.stream)), /Sign in/);
  assert.equal(
    (await downloads('text/plain', 'x', 'many').openAttachment(ticketId, log, longEnough())).sizeBytes,
    null,
  );
});

test('a link after a byte order mark is followed, one to another host only if the guard allows it, and an invalid one is refused', async () => {
  const ticketId = await newTicket();
  const file = fileOf('a.log', 'text/plain', Buffer.from('x'));
  await carryOut(bench.helpdesk, commandFor(ticketId, { note: '<p>linked</p>', attachments: [file] }));
  const [action] = await actionsWith(bench.helpdesk, ticketId, 'linked');
  const id = action?.attachments[0]?.id ?? '';
  const heard: string[] = [];
  const ear = createServer((request, response) => {
    heard.push(String(request.headers.authorization ?? 'none'));
    response.end('elsewhere');
  });
  await new Promise<void>((done) => ear.listen(0, '127.0.0.1', done));
  const { port } = ear.address() as AddressInfo;
  try {
    const linked = (link: string): Helpdesk => downloads('application/json', `\uFEFF${JSON.stringify({ link })}`);
    const opened = await linked(`http://127.0.0.1:${port}/x`).openAttachment(ticketId, id, longEnough());
    assert.equal(String(await buffer(opened.stream)), 'elsewhere');
    assert.deepEqual(heard, ['none'], 'our token stays here');
    for (const bad of [
      'http://10.0.0.1/x',
      'ftp://files.example/x',
      'https://user:word@files.example/x',
      'http://[::1]/x',
      'javascript:1',
    ])
      assert.equal((await failure(linked(bad).openAttachment(ticketId, id, longEnough()))).class, 'refused', bad);
  } finally {
    await new Promise((done) => ear.close(done));
  }
});

test('an answer that is packed, a page with status 200 and a body with a byte order mark are each what they are', async () => {
  const serve = async (headers: Record<string, string>, body: Buffer): Promise<[string, () => Promise<unknown>]> => {
    const server = createServer((_request, response) => response.writeHead(200, headers).end(body));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return [url, () => new Promise((done) => server.close(done))];
  };
  const json = { 'content-type': 'application/json' };
  const token = JSON.stringify({ access_token: 't', auth_url: 'http://127.0.0.1:1/auth', tickets: [] });
  const cases = [
    [{ ...json, 'content-encoding': 'gzip' }, gzipSync(Buffer.alloc(50_000_000)), 'encoded-reply'],
    [{ 'content-type': 'text/html' }, Buffer.from('<html>Sign in</html>'), 'not-json'],
    [json, Buffer.from(`\uFEFF${token}`), null],
  ] as const;
  for (const [headers, body, code] of cases) {
    const [url, close] = await serve(headers, body);
    try {
      const credentials = { clientId: 'x', clientSecret: 'y', authUrl: url };
      const desk = bench.connect({ url, credentials });
      if (code === null) await desk.ping(longEnough());
      else assert.equal((await failure(desk.ping(longEnough()))).code, code);
    } finally {
      await close();
    }
  }
});

test('a history too large for one answer is read in smaller ones, whole', async () => {
  const own = await haloBench('acme');
  try {
    const ticketId = await own.people.createTicket({ summary: 'Long mails', html: 'x' });
    const long = `<p>${'long '.repeat(60_000)}</p>`;
    for (let index = 0; index < 40; index++)
      await own.people.agentNote(ticketId, { visible: false, html: `${long}<p>note ${index}</p>` });
    const { actions } = await readOf(own.helpdesk, ticketId);
    assert.deepEqual(
      actions.map(({ externalId }) => Number(externalId)),
      actions.map((_, index) => index + 1),
    );
    assert.equal(actions.length, 41);
  } finally {
    await own.stop();
  }
});

test('no address of a picture leaves the desk, neither as a link around it, nor as text, nor of another host', () => {
  const base = 'https://acme.halopsa.com';
  const token = `eyJhbGciOiJIUzI1NiJ9.${Buffer.from('{"g":"0f0c1e2a-7d43-4b8e-9a61-000000000001"}').toString('base64url')}.sig`;
  const address = `${base}/api/Attachment/image?token=${token}`;
  const { html, ids } = withCids(
    `<a href="${address}"><img src="${address}"></a> see ${address}&amp;nonce=1 or ` +
      `<a href='/api/attachment/image?x=1&amp;token=${token}'>this</a> and (https://other.example/api/attachment/image?token=${token})` +
      ` <a href="https://other.example/api/attachment/image?size=2">harmless</a>`,
    base,
  );
  assert.deepEqual([...ids.keys()], ['image-0f0c1e2a-7d43-4b8e-9a61-000000000001']);
  assert.ok(!html.includes(token) && !/token=/.test(html), html);
  assert.ok(html.includes('src="cid:image-') && html.includes('>this</a>') && html.includes('image?size=2'), html);
  const began = cpuMs();
  for (const hostile of [
    `${base}/api/attachment/image?token=`,
    '/api/attachment/image?',
    'x/api/attachment/image?token=y',
  ])
    withCids(hostile.repeat(20_000), base);
  assert.ok(cpuMs() - began < 3_000);
});
