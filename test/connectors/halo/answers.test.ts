/**
 * What live Halos have been seen to answer, and how the connector reads it; each form comes from the twin, or from a
 * substitute for its HTTP.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { after, before, beforeEach, test } from 'node:test';
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { HttpClient } from '#connectors/contract/http.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { acmeNames } from '#twins/halo/seeds/acme.ts';
import {
  actionsWith,
  carryOut,
  commandFor,
  failure,
  fileOf,
  isEchoOf,
  longEnough,
  newDelivery,
  performAt,
  readOf,
} from '#test/connectors/bench.ts';
import { changedAt, rowsOf } from './changed.ts';
import type { Changed } from './changed.ts';
import type { HaloBench } from './harness.ts';
import { haloBench } from './harness.ts';

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

const newTicket = (): Promise<string> => bench.people.createTicket({ summary: 'A ticket', html: '<p>Please help</p>' });

const changed = (change: (path: string, body: unknown) => unknown, over: Partial<ConnectorContext> = {}): Changed =>
  changedAt(bench, http, change, over);

test('every list is read as a bare array, as a record with its name, and as results', async () => {
  const ticketId = await newTicket();
  const forms: ((rows: unknown[]) => unknown)[] = [
    (rows) => rows,
    (results) => ({ record_count: results.length, results }),
    (rows) => ({ record_count: rows.length, something_new: rows, page_no: 1 }),
  ];
  const plain = await bench.helpdesk.catalogue(longEnough());
  for (const form of forms) {
    const { desk } = changed((path, body) => {
      const isList = /^(Tickets|Actions|Attachment|[A-Z][a-zA-Z]+)$/.test(path) && !/authinfo|token/.test(path);
      return isList ? form(rowsOf(body)) : body;
    });
    assert.deepEqual(await desk.catalogue(longEnough()), plain);
    assert.equal((await readOf(desk, ticketId)).snapshot.ticketId, ticketId);
    assert.ok((await desk.feedStart(longEnough())).includes(`[${ticketId},`));
  }
});

test('a property of an unknown shape counts as absent, and a row without its essentials is left out with one notice', async () => {
  const ticketId = await newTicket();
  await bench.people.agentNote(ticketId, { visible: true, html: '<p>good row</p>' });
  const { desk, notices } = changed((path, body) => {
    if (path === 'Status') return [...rowsOf(body), { id: 'none', name: 'Strange' }, { name: 'No id' }, null, 7];
    if (path === 'Priority') return rowsOf(body).map((row) => ({ ...row, slaid: { odd: true }, ishidden: 'maybe' }));
    if (path === 'FieldInfo') return rowsOf(body).map((row) => ({ ...row, values: row['values'] ?? 'later' }));
    if (path !== 'Actions') return body;
    const [first, ...rest] = rowsOf(body);
    const odd = { ...first, hiddenfromuser: 'perhaps', customfields: { not: 'a list' }, attachments: 'none', guid: 7 };
    return { actions: [{ note: 'without an id' }, odd, ...rest] };
  });
  const catalogue = await desk.catalogue(longEnough());
  assert.ok(catalogue.statuses.some(({ name }) => name === 'New') && catalogue.priorities.includes('Critical'));
  const { actions } = await readOf(desk, ticketId);
  const good = actions.find(({ note }) => note?.includes('good row') === true);
  assert.equal(good?.visibility, 'unknown', 'what nobody understands is not shown to a user');
  await readOf(desk, ticketId);
  assert.deepEqual(
    notices.map((one) => /^row-not-understood: .*statuses\[\]|^row-not-understood: .*actions\[\]/.test(one)),
    notices.map(() => true),
  );
  assert.equal(notices.filter((one) => one.includes('actions[]')).length, 1);
  assert.doesNotMatch(notices.join(), /without an id|Strange/);
});

test('a list of which nothing can be read is not an empty list', async () => {
  const { desk } = changed((path, body) => (path === 'Status' ? [{ status: 'New' }] : body));
  assert.equal((await failure(desk.catalogue(longEnough()))).code, 'not-json');
});

test('a scope that is missing for suppliers or teams leaves the rest of the desk working, whatever status is answered', async () => {
  for (const status of [401, 403]) {
    await bench.client.fault({ kind: 'status', status, times: 0, match: { path: ['^/api/supplier', '^/api/team'] } });
    const desk = bench.connect();
    const catalogue = await desk.catalogue(longEnough());
    assert.ok(catalogue.accounts.includes('Acme') && !catalogue.accounts.includes(acmeNames.supplier));
    assert.deepEqual(catalogue.teams, []);
    await readOf(desk, await newTicket());
    await bench.client.clearFaults();
  }
});

test('a right that is lost for a while is never a deleted ticket, for reads, writes and files', async () => {
  const ticketId = await newTicket();
  const file = fileOf('a.txt', 'text/plain', Buffer.from('a'));
  await carryOut(bench.helpdesk, commandFor(ticketId, { note: '<p>with a file</p>', attachments: [file] }));
  const [action] = await actionsWith(bench.helpdesk, ticketId, 'with a file');
  const attachment = action?.attachments[0]?.id ?? '';
  for (const path of ['^/api/tickets/', '^/api/actions', '^/api/attachment']) {
    await bench.client.fault({ kind: 'status', status: 403, times: 0, match: { path } });
    const work: (() => Promise<unknown>)[] = [];
    if (!path.includes('attachment')) work.push(() => bench.helpdesk.read(ticketId, null, longEnough()));
    if (path.includes('actions'))
      work.push(() => carryOut(bench.helpdesk, commandFor(ticketId, { note: '<p>not now</p>' })));
    if (path.includes('attachment')) work.push(() => bench.helpdesk.openAttachment(ticketId, attachment, longEnough()));
    for (const one of work) {
      const error = await failure(one());
      assert.deepEqual([error.class, error.code], ['retry', 'forbidden'], path);
    }
    await bench.client.clearFaults();
  }
  assert.equal((await bench.helpdesk.read(ticketId, null, longEnough())).kind, 'ticket');
});

test('the entry that Halo logs for a ticket of ours is known as that write, after a restart and before any other write', async () => {
  const open = {
    summary: 'Opened',
    account: 'Acme',
    requester: { name: 'Tom Becker' },
    farNumber: '1',
    farUrl: 'https://x.example/1',
  };
  const delivery = newDelivery();
  const [step] = bench.helpdesk.steps(
    commandFor(null, { open, note: '<p>The description</p>', visibility: 'visible' }),
  );
  assert.ok(step !== undefined);
  const made = await performAt(bench.helpdesk, step, `${delivery}-0`);
  const fresh = bench.restarted();
  const { actions } = await readOf(fresh, made.ticketId);
  assert.deepEqual(
    actions.map(({ author, marker, note }) => [author.role, marker, note]),
    [['service', `${delivery}-0`, '<p>The description</p>']],
  );
  // A person's first action on such a ticket is theirs.
  await bench.people.agentNote(made.ticketId, { visible: false, html: '<p>by hand</p>' });
  const all = (await readOf(bench.restarted(), made.ticketId)).actions;
  assert.deepEqual(
    all.map(({ author }) => author.role),
    ['service', 'agent'],
  );
});

test('our identity is learnt from the reply to our first write, without asking', async () => {
  const ticketId = await newTicket();
  const { desk, seen } = changed((_path, body) => body);
  const carried = await carryOut(desk, commandFor(ticketId, { kind: 'Update', note: '<p>first</p>' }));
  await bench.client.agentAction('Ferry', Number(ticketId), { outcome: 'Update', note_html: '<p>by hand</p>' });
  const { actions } = await readOf(desk, ticketId);
  assert.deepEqual(
    actions.map(({ author }) => author.role),
    ['user', 'service', 'agent'],
  );
  assert.ok(actions[1] !== undefined && isEchoOf(actions[1], carried));
  assert.ok(!seen.some(({ url }) => url.includes('/Agent/me')));
});

test('the same name of application is ours only where it is our own, also before our first write', async () => {
  const ticketId = await newTicket();
  await carryOut(bench.helpdesk, commandFor(ticketId, { kind: 'Update', note: '<p>ours</p>' }));
  const { desk } = changed((path, body) =>
    path === 'Actions'
      ? {
          actions: rowsOf(body).map((row) =>
            row['who_type'] === 1
              ? { ...row, who_agentid: 1, actionby_agent_id: 1, actionby_application_id: 'Reporting' }
              : row,
          ),
        }
      : body,
  );
  assert.deepEqual(
    (await readOf(desk, ticketId)).actions.map(({ author }) => author.role),
    ['user', 'agent'],
  );
});

test('a file that comes as a link is fetched without our token, and through the same guard as every address', async () => {
  const ticketId = await newTicket();
  const bytes = Buffer.from('the bytes of the file');
  const file = fileOf('plain.txt', 'text/plain', bytes);
  await carryOut(bench.helpdesk, commandFor(ticketId, { note: '<p>linked</p>', attachments: [file] }));
  const [action] = await actionsWith(bench.helpdesk, ticketId, 'linked');
  const id = action?.attachments[0]?.id ?? '';
  const { desk, seen } = changed((_path, body) => body);
  const opened = await desk.openAttachment(ticketId, id, longEnough());
  assert.equal(String(await buffer(opened.stream)), String(bytes));
  const followed = seen.filter(({ url }) => url.includes('/cdn/'));
  assert.deepEqual(
    followed.map(({ headers }) => Object.keys(headers ?? {}).map((name) => name.toLowerCase())),
    [['accept']],
  );

  const guarded = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.1/32'] } });
  const elsewhere: HttpClient = {
    request: (request) => guarded.request(request),
    async stream(request) {
      const reply = await guarded.stream(request);
      if (!request.url.includes('/api/Attachment/')) return reply;
      const { Readable } = await import('node:stream');
      reply.stream.destroy();
      const text = JSON.stringify({ link: 'http://169.254.169.254/latest/meta-data/' });
      return { ...reply, headers: { 'content-type': 'application/json' }, stream: Readable.from([Buffer.from(text)]) };
    },
  };
  try {
    const error = await failure(bench.connect({ http: elsewhere }).openAttachment(ticketId, id, longEnough()));
    assert.deepEqual([error.class, error.code], ['refused', 'address-not-allowed']);
  } finally {
    await guarded.close();
  }
});

test('a file that looks like a link itself is returned unchanged', async () => {
  const direct = await haloBench('acme');
  const ear = createServer((_request, response) => response.end('elsewhere'));
  await new Promise<void>((resolve) => ear.listen(0, '127.0.0.1', resolve));
  try {
    const ticketId = await direct.people.createTicket({ summary: 'x', html: 'x' });
    const { port } = ear.address() as AddressInfo;
    const files = [
      JSON.stringify({ link: `http://127.0.0.1:${port}/x` }),
      '{"a": 1}',
      `{"link": "${'x'.repeat(20_000)}"}`,
    ];
    for (const [index, text] of files.entries()) {
      // The twin returns pictures as bytes, with the type they were given.
      const file = { ...fileOf(`${index}.json`, 'application/json', Buffer.from(text)) };
      const { body } = {
        body: { filename: file.name, content_type: file.type, isimage: true, ticket_id: Number(ticketId) },
      };
      await direct.client.agentAction('Dana Reyes', Number(ticketId), {
        outcome: 'Update',
        note: `file ${index}`,
        attachments: [{ ...body, data_base64: Buffer.from(text).toString('base64') }],
      });
      const [action] = await actionsWith(direct.helpdesk, ticketId, `file ${index}`);
      const opened = await direct.helpdesk.openAttachment(ticketId, action?.attachments[0]?.id ?? '', longEnough());
      assert.equal(String(await buffer(opened.stream)), text);
    }
  } finally {
    ear.close();
    await direct.stop();
  }
});

test('a picture by a token is carried as bytes under a name that says nothing, also after a restart and by a new token', async () => {
  const ticketId = await newTicket();
  const bytes = Buffer.from('89504e470d0a1a0a', 'hex');
  const files = [{ name: 'p.png', type: 'image/png', bytes, cid: 'p' }];
  await bench.people.agentNote(ticketId, { visible: true, html: '<p>look <img src="cid:p"></p>', files });
  const [action] = await actionsWith(bench.helpdesk, ticketId, 'look');
  const [picture] = action?.attachments ?? [];
  assert.deepEqual([picture?.inline, action?.attachments.length], [true, 1]);
  assert.doesNotMatch(JSON.stringify(action), /token|http/);
  const { desk, seen } = changed((_path, body) => body);
  const opened = await desk.openAttachment(ticketId, picture?.id ?? '', longEnough());
  assert.deepEqual([opened.type, await buffer(opened.stream)], ['image/png', bytes]);
  const fetched = seen.filter(({ url }) => url.includes('image?token='));
  assert.ok(fetched.length === 1 && !('authorization' in (fetched[0]?.headers ?? {})));
  assert.equal((await failure(desk.openAttachment(ticketId, 'image-of-nobody', longEnough()))).class, 'gone');
});

test('a picture that somebody made up an address for does not hide the real one', async () => {
  const ticketId = await newTicket();
  const bytes = Buffer.from('89504e470d0a1a0a', 'hex');
  const files = [{ name: 'p.png', type: 'image/png', bytes, cid: 'p' }];
  await bench.people.agentNote(ticketId, { visible: true, html: '<p>real <img src="cid:p"></p>', files });
  const raw = (await bench.people.readRaw(ticketId)).notes.find(({ html }) => html.includes('real'))?.html ?? '';
  const forged = raw.replace(/(token=[^."]+\.[^."]+)\.[^"]+/, '$1.forged').replace('real', 'forged');
  await bench.people.userReply(ticketId, forged);
  const { actions } = await readOf(bench.helpdesk, ticketId);
  const id = actions.find(({ note }) => note?.includes('forged') === true)?.attachments[0]?.id ?? '';
  const opened = await bench.helpdesk.openAttachment(ticketId, id, longEnough());
  assert.deepEqual(await buffer(opened.stream), bytes);
});

test('a new ticket names the site of its user, and one of the account where the user has none', async () => {
  const open = { summary: 'Site', account: 'Acme', farNumber: '1', farUrl: 'https://x.example/1' };
  const made = async (requester: { name: string; email?: string }, site?: string) =>
    (
      await carryOut(
        bench.helpdesk,
        commandFor(null, { open: { ...open, requester, ...(site === undefined ? {} : { site }) } }),
      )
    ).ticketId;
  const siteOf = async (id: string) =>
    (await bench.client.ticket(Number(id))) as unknown as { site_id: number; user_id: number };
  const tom = await siteOf(await made({ name: 'Tom Becker' }));
  assert.deepEqual([tom.user_id, tom.site_id], [2, 2]);
  const priya = await siteOf(await made({ name: 'x', email: acmeNames.users.priya }));
  assert.deepEqual([priya.user_id, priya.site_id], [1, 1]);
});

test('a field that a type requires is named before anything is sent, and only if nothing is mapped to it', async () => {
  const own = await haloBench('acme');
  try {
    await own.client.catalogue('tickettype', [{ id: 1, mandatory: ['CFaffectedService', 'CFneededBy'] }]);
    const desk = own.restarted();
    const { types } = await desk.catalogue(longEnough());
    assert.deepEqual(types.find(({ name }) => name === 'Incident')?.required, ['CFaffectedService', 'CFneededBy']);
    assert.equal('required' in (types.find(({ name }) => name === 'Service Request') ?? {}), false);
    const open = {
      summary: 'x',
      account: 'Acme',
      type: 'Incident',
      requester: { name: 'Tom Becker' },
      farNumber: '1',
      farUrl: 'https://x.example/1',
    };
    await own.client.clearRequests();
    const error = await failure(carryOut(desk, commandFor(null, { open, fields: { 'Needed by': '2027-01-01' } })));
    assert.deepEqual([error.class, error.code], ['refused', 'mandatory-field']);
    assert.match(error.message, /"Affected service" \(CFaffectedService\)/);
    assert.doesNotMatch(error.message, /Needed by/);
    assert.equal((await own.client.requests()).counts['POST /api/tickets'], undefined);
    const fields = { CFneededBy: '2027-01-01', CFaffectedService: 'VPN' };
    assert.ok((await carryOut(desk, commandFor(null, { open, fields }))).ticketId !== '');
  } finally {
    await own.stop();
  }
});

for (const profile of ['usual', 'other'] as const)
  test(`a category, priority or other property that a type requires is named before anything is sent (${profile} answers)`, async () => {
    const own = await haloBench('acme', profile);
    try {
      const mandatory = ['category_1', 'priority_id', 'team', 'impact', 'agent_id', 'targetdate'];
      const recommended = ['urgency', 'CFaffectedService'];
      await own.client.catalogue('tickettype', [
        { id: 1, mandatory, recommended, default_priority: 0 },
        { id: 2, mandatory: ['priority_id'], default_priority: 3 },
      ]);
      const desk = own.restarted();
      const { types } = await desk.catalogue(longEnough());
      const incident = types.find(({ name }) => name === 'Incident');
      assert.deepEqual(incident?.required, ['Target date']);
      assert.deepEqual(incident?.requiredOwn, [
        { of: 'category', name: 'Category' },
        { of: 'priority', name: 'Priority' },
        { of: 'team', name: 'Team' },
        { of: 'other', name: 'Impact' },
      ]);
      const [, second] = types;
      assert.equal('requiredOwn' in (second ?? {}), false, 'the type itself has a default');
      const open = {
        summary: 'x',
        account: 'Acme',
        type: 'Incident',
        requester: { name: 'Tom Becker' },
        farNumber: '1',
        farUrl: 'https://x.example/1',
      };
      await own.client.clearRequests();
      const filled = { category: acmeNames.categories.vpn, fields: { 'Target date': '2027-01-01T00:00:00Z' } };
      const error = await failure(carryOut(desk, commandFor(null, { open, ...filled })));
      assert.deepEqual([error.class, error.code], ['refused', 'mandatory-field']);
      assert.match(error.message, /without "Priority", "Team", "Impact"\./);
      assert.equal((await own.client.requests()).counts['POST /api/tickets'], undefined);
      await own.client.catalogue('tickettype', [{ id: 1, mandatory: ['category_1', 'priority_id', 'team'] }]);
      const more = { ...filled, open: { ...open, team: 'Service Desk' }, priority: acmeNames.priorities.high };
      assert.ok((await carryOut(own.restarted(), commandFor(null, more))).ticketId !== '');
    } finally {
      await own.stop();
    }
  });

test('a creation in doubt is judged absent only ten minutes after it, and is found as soon as it can be read', async () => {
  const desk = bench.connect({ options: {} });
  const open = {
    summary: 'In doubt',
    account: 'Acme',
    requester: { name: 'Tom Becker' },
    farNumber: '1',
    farUrl: 'https://x.example/1',
  };
  const [step] = desk.steps(commandFor(null, { open, note: '<p>x</p>' }));
  assert.ok(step !== undefined);
  const marker = `${newDelivery()}-0`;
  const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
  const early = await failure(desk.find(step, marker, minutesAgo(9), longEnough()));
  assert.deepEqual([early.class, early.code], ['retry', 'may-show-later']);
  assert.ok((early.retryAfterMs ?? 0) > 0 && (early.retryAfterMs ?? 0) <= 60_000);
  assert.equal(await desk.find(step, marker, minutesAgo(10.1), longEnough()), null);

  const late = await haloBench('acme');
  try {
    const after = minutesAgo(0.1);
    const writes = { method: 'POST', path: '^/api/tickets' };
    await late.client.fault({ kind: 'readable-later', ms: 1_000, match: writes });
    await late.client.fault({ kind: 'reply-lost-after-commit', match: writes });
    const cautious = late.connect({ options: { standIns: { Acme: 'Tom Becker' } } });
    assert.equal((await failure(performAt(cautious, step, marker))).class, 'in-doubt');
    let found = null;
    for (let tries = 0; found === null; tries++) {
      assert.ok(tries < 1_000);
      found = await cautious.find(step, marker, after, longEnough()).catch((error: { code: string }) => {
        assert.equal(error.code, 'may-show-later');
        return null;
      });
    }
    assert.equal((await readOf(cautious, found.ticketId)).snapshot.summary, 'In doubt');
  } finally {
    await late.stop();
  }
});

test('what a merge moved is not new on the surviving ticket, and what was not read yet arrives with the merge', async () => {
  const [from, into] = [await newTicket(), await newTicket()];
  await bench.people.agentNote(from, { visible: false, html: '<p>read before</p>' });
  const [known] = await actionsWith(bench.helpdesk, from, 'read before');
  assert.ok(known !== undefined);
  await bench.people.agentNote(from, { visible: false, html: '<p>not read yet</p>' });
  await bench.client.merge(Number(from), Number(into));
  // A read looks back by the overlap of a second.
  const since = new Date(Date.parse(known.at) - 1000).toISOString();
  const merged = await bench.helpdesk.read(from, since, longEnough());
  assert.ok(merged.kind === 'merged');
  assert.deepEqual([merged.into, merged.notes?.map(({ note }) => note)], [into, ['<p>not read yet</p>']]);
  const { actions } = await readOf(bench.helpdesk, into);
  assert.ok(!actions.some(({ note }) => /read/.test(note ?? '')));
});

test('a choice where to send is one only with a kind that offers it', async () => {
  const ticketId = await newTicket();
  await bench.people.agentNote(ticketId, { visible: false, html: '<p>no choice</p>' });
  const { noteToSupplier } = acmeNames.outcomes;
  await bench.client.agentAction('Dana Reyes', Number(ticketId), {
    outcome: noteToSupplier,
    note: 'kept',
    sync_to_halo_api: 0,
  });
  await bench.client.agentAction('Dana Reyes', Number(ticketId), {
    outcome: 'Internal Note',
    note: 'sent',
    sync_to_halo_api: 1,
  });
  const { actions } = await readOf(bench.helpdesk, ticketId);
  assert.deepEqual(
    actions.slice(1).map(({ sendTo }) => sendTo),
    [undefined, 'none', 'supplier'],
  );
});

test("a priority is written by the ticket's number, whatever the row’s own id, and read by its service level", async () => {
  const ticketId = await newTicket();
  const { desk, seen } = changed((path, body) => {
    if (path === 'Priority')
      return rowsOf(body).map((row) => (row['slaid'] === 2 ? { ...row, name: `Gold ${String(row['name'])}` } : row));
    return path === `Tickets/${ticketId}` ? { ...(body as object), sla_id: 2 } : body;
  });
  await carryOut(desk, commandFor(ticketId, { priority: 'Critical' }));
  const sent = seen
    .filter(({ method, url }) => method === 'POST' && url.includes('/api/Tickets'))
    .map(({ body }) => (typeof body === 'string' ? (JSON.parse(body) as { priority_id: number }[]) : []));
  assert.equal(sent.at(-1)?.[0]?.priority_id, 1);
  assert.equal((await readOf(desk, ticketId)).snapshot.priority, 'Gold Critical');
});

test('which statuses are closed is known by the filter for open ones, by the one fixed number, or by names', async () => {
  const closedOf = async (desk: Helpdesk) =>
    (await desk.catalogue(longEnough())).statuses.filter(({ closed }) => closed).map(({ name }) => name);
  assert.deepEqual(await closedOf(bench.connect()), ['Resolved', 'Closed']);
  const unfiltered = await haloBench('acme', 'other');
  try {
    assert.deepEqual(await closedOf(unfiltered.connect({ options: {} })), ['Closed']);
    assert.deepEqual(await closedOf(unfiltered.connect({ options: { closedStatuses: ['resolved'] } })), ['Resolved']);
  } finally {
    await unfiltered.stop();
  }
});

test('statuses and fields of other things than tickets are not taken for those of tickets', async () => {
  const catalogue = await bench.connect().catalogue(longEnough());
  assert.ok(!catalogue.statuses.some(({ name }) => name === 'Proposal sent'));
  assert.ok(!catalogue.fields.some(({ name }) => name === 'CFserialNumber'));
});

test('a note that Halo cleans or puts into other words is known again by its marker, once', async () => {
  const ticketId = await newTicket();
  await bench.client.fault({ kind: 'rewritten-note', match: { path: '^/api/actions' } });
  const carried = await carryOut(bench.helpdesk, commandFor(ticketId, { kind: 'Update', note: '<p>My own words</p>' }));
  const { actions } = await readOf(bench.restarted(), ticketId);
  const ours = actions.filter(({ author }) => author.role === 'service');
  assert.equal(ours.length, 1);
  assert.ok(ours[0] !== undefined && isEchoOf(ours[0], { ...carried, actionIds: [] }));
  assert.doesNotMatch(ours[0].note ?? '', /My own words/);
});

test('a type that may not be looked into restricts nothing and costs no other', async () => {
  await bench.client.fault({ kind: 'status', status: 403, times: 0, match: { path: '^/api/tickettype/1' } });
  const { types } = await bench.connect().catalogue(longEnough());
  const incident = types.find(({ name }) => name === 'Incident');
  assert.deepEqual([incident, types.length], [{ name: 'Incident' }, 2]);
});

test('a history of which Halo returns only the newest part is read as far as it goes, and logged', async () => {
  const ticketId = await newTicket();
  for (let index = 0; index < 30; index++)
    await bench.people.agentNote(ticketId, { visible: false, html: `n${index}` });
  const { desk, notices } = changed((path, body) =>
    // Whatever times are requested.
    path === 'Actions' ? { record_count: 31, actions: rowsOf(body).filter(({ id }) => Number(id) > 5) } : body,
  );
  assert.equal((await readOf(desk, ticketId)).actions.length, 26);
  assert.match(notices.join(), /^list-incomplete: Reading the actions of ticket \d+: Halo tells of more than it gives/);
});

test('a picture is written again for a ticket of the same number on a desk that was set back', async () => {
  const own = await haloBench('acme');
  try {
    const picture = fileOf('b.png', 'image/png', Buffer.from('a picture'), true);
    const shows = async (): Promise<string> => {
      const ticketId = await own.people.createTicket({ summary: 'x', html: 'x' });
      const note = `<p>shown <img src="cid:${picture.id}"></p>`;
      await carryOut(own.helpdesk, commandFor(ticketId, { note, attachments: [picture] }));
      const [action] = await actionsWith(own.restarted(), ticketId, 'shown');
      const opened = await own.restarted().openAttachment(ticketId, action?.attachments[0]?.id ?? '', longEnough());
      assert.equal(String(await buffer(opened.stream)), 'a picture');
      return ticketId;
    };
    const first = await shows();
    own.twin.reset();
    assert.equal(await shows(), first, 'the number is given again');
  } finally {
    await own.stop();
  }
});
