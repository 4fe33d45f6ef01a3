// What is special about Request Tracker, against a real one whose time zone is New York.
import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';

import { hintOf } from '#connectors/rt/hint.ts';
import type { Attachment } from '#core/words/vocabulary.ts';
import { startFaultProxy } from '#test/support/fault-proxy.ts';
import { rtSkip } from '#test/real/rt.ts';
import { until } from '#test/support/wait.ts';
import { commandOf, ofKind, startDesk } from './desk.ts';
import type { Desk } from './desk.ts';

const secret = 'hook-secret';
const hooks: { readonly body: string; readonly signed: boolean }[] = [];
const hookServer = createServer((request, response) => {
  void buffer(request).then((bytes) => {
    const time = String(request.headers['x-ferry-timestamp']);
    const wanted = createHmac('sha256', secret).update(`${time}.${bytes.toString()}`).digest('hex');
    hooks.push({ body: bytes.toString(), signed: request.headers['x-ferry-signature'] === wanted });
    response.end();
  });
});

describe('Request Tracker', { skip: rtSkip }, () => {
  let desk: Desk;

  before(async () => {
    await new Promise<void>((resolve) => hookServer.listen(0, '127.0.0.1', () => resolve()));
    const { port } = hookServer.address() as AddressInfo;
    // One status that RT does not have: then it is RT that says so.
    const statuses = ['new', 'open', 'stalled', 'nonsense'].map((name) => ({ name, closed: false }));
    desk = await startDesk(
      {
        name: 'acme.example',
        timezone: 'America/New_York',
        webhook: { url: `http://127.0.0.1:${port}/hooks/rt`, secret },
      },
      { categoryField: 'Category', statuses: [...statuses, { name: 'resolved', closed: true }] },
    );
  });
  after(async () => {
    await desk.stop();
    hookServer.close();
  });

  const asAgent = (method: string, path: string, body?: unknown): Promise<unknown> =>
    desk.rt.call(desk.rt.agents[0].token, method, path, body);

  it('shows what people did, each change separately, in order, in three requests', async () => {
    const id = await desk.logTicket({ CustomFields: { Severity: 'Low', Sites: ['Leeds'] } });
    await asAgent('POST', `/ticket/${id}/correspond`, { Content: '<p>On it</p>', ContentType: 'text/html' });
    await asAgent('POST', `/ticket/${id}/comment`, { Content: 'One\ntwo\n\nthree <x>', ContentType: 'text/plain' });
    await asAgent('PUT', `/ticket/${id}`, {
      Subject: 'VPN drops hourly',
      Priority: 'High',
      CustomFields: { Supplier: 'Northwind MSP', Category: 'Network', Sites: ['York', 'Hull'] },
    });
    await desk.read(id);
    desk.requests();
    const { snapshot, actions } = await desk.read(id);
    assert.equal(desk.requests(), 3);
    assert.deepEqual(
      actions.map(({ words, visibility, author, note }) => [words.kind, visibility, author.role, note]),
      [
        ['Create', 'visible', 'agent', '<p>It drops.</p>'],
        ['Correspond', 'visible', 'agent', '<p>On it</p>'],
        ['Status', 'visible', 'automation', null],
        ['Comment', 'hidden', 'agent', '<p>One<br />two</p><p>three &lt;x&gt;</p>'],
        ['Set', 'visible', 'agent', null],
        ['Set', 'visible', 'agent', null],
        ...actions.slice(6).map(() => ['CustomField', 'visible', 'agent', null]),
      ],
    );
    const [create] = actions;
    assert.deepEqual(create?.words, {
      kind: 'Create',
      summary: 'VPN drops',
      status: 'new',
      priority: 'Low',
      fields: { Severity: 'Low', Sites: ['Leeds'] },
    });
    const changes = Object.assign({}, ...actions.slice(6).map(({ words }) => words)) as Record<string, unknown>;
    assert.equal(changes['category'], 'Network');
    const fields = Object.assign({}, ...actions.slice(6).map(({ words }) => words.fields)) as Record<string, unknown>;
    // Setting a field to the supplier's name escalates; several values are one change.
    assert.equal(fields['Supplier'], 'Northwind MSP');
    assert.deepEqual([...(fields['Sites'] as string[])].toSorted(), ['Hull', 'York']);
    assert.equal(actions.length, 9);
    assert.equal(snapshot.summary, 'VPN drops hourly');
    assert.equal(snapshot.priority, 'High');
    assert.equal(snapshot.description, '<p>It drops.</p>');
    assert.deepEqual(snapshot.requester, { name: 'Uma User', email: 'uma@acme.example', role: 'user' });
    assert.equal(snapshot.account, 'Support');
    const short = await desk.another().read(id, new Date(Date.now() + 3_600_000).toISOString(), desk.signal);
    assert.ok(short.kind === 'ticket' && short.actions.length === 0);
    assert.equal(short.snapshot.description, '<p>It drops.</p>');
  });

  it('shows its opening of a ticket that was replied to as its own doing, not as ours', async () => {
    const id = await desk.logTicket();
    const [made] = await desk.perform(commandOf(id));
    const { actions } = await desk.read(id);
    assert.deepEqual(
      actions.slice(1).map(({ words, author }) => [words.kind, words.status, author.role]),
      [
        ['Correspond', undefined, 'service'],
        ['Status', 'open', 'automation'],
      ],
    );
    assert.deepEqual(made?.written.actionIds, [actions[1]?.externalId]);
  });

  it('receives note, fields, category and status in one request, and shows them as promised', async () => {
    const id = await desk.logTicket();
    await desk.perform(commandOf(id, { note: null, fields: { Severity: 'Low' } }));
    desk.requests();
    const command = commandOf(id, {
      note: '<p>Ümläut 😀 &amp; <b>bold</b></p>',
      visibility: 'hidden',
      status: 'stalled',
      category: 'Hardware',
      fields: {
        Started: '2026-07-01T10:00:00.000Z',
        'Due window': '2026-07-02',
        Sites: ['Leeds', 'York'],
        Severity: null,
      },
    });
    // A ticket that was read need not be asked whether it is still there.
    const before = (await desk.read(id)).snapshot;
    desk.requests();
    const [made] = await desk.perform(command, { snapshot: before });
    assert.equal(desk.requests(), 1);
    const { snapshot, actions } = await desk.read(id);
    const ours = actions.filter(({ author }) => author.role === 'service').slice(1);
    assert.equal(ours[0]?.marker, made?.marker);
    assert.equal(ours[0]?.visibility, 'hidden');
    assert.match(ours[0]?.note ?? '', /<strong>Nora Nord \(Northwind\)<\/strong>[^]*Ümläut 😀 &amp; <b>bold<\/b>/);
    assert.deepEqual(ours.map((action) => action.fingerprint).toSorted(), made?.step.fingerprints.toSorted());
    assert.equal(snapshot.status, 'stalled');
    assert.equal(snapshot.category, 'Hardware');
    assert.deepEqual(snapshot.fields, {
      ...snapshot.fields,
      Started: '2026-07-01T10:00:00.000Z',
      'Due window': '2026-07-02',
      Sites: ['Leeds', 'York'],
      Severity: null,
    });
  });

  it('keeps dates and instants unchanged, whatever zone its people are in', async () => {
    const id = await desk.logTicket();
    // Ten in the morning in New York, in summer and in winter.
    await asAgent('PUT', `/ticket/${id}`, {
      CustomFields: { Started: '2026-07-01 10:00:00', 'Due window': '2026-07-01' },
    });
    await asAgent('PUT', `/ticket/${id}`, { CustomFields: { Started: '2026-12-01 10:00:00' } });
    const { snapshot, actions } = await desk.read(id);
    const started = actions.map(({ words }) => words.fields['Started']).filter((value) => value !== undefined);
    assert.deepEqual(started, ['2026-07-01T14:00:00.000Z', '2026-12-01T15:00:00.000Z']);
    assert.equal(snapshot.fields['Due window'], '2026-07-01');
    assert.ok(Math.abs(Date.parse(actions[0]?.at ?? '') - Date.now()) < 60_000);
    const since = new Date(Date.now() - 30_000).toISOString();
    assert.equal((await desk.read(id, since)).actions.length, actions.length);
  });

  it('says no with 200, and is understood', async () => {
    const id = await desk.logTicket();
    const attempt = (own: Parameters<typeof commandOf>[1]) => desk.perform(commandOf(id, { note: null, ...own }));
    await assert.rejects(attempt({ status: 'nonsense' }), {
      class: 'refused',
      message: /isn't a valid status.*status nonsense/,
    });
    await assert.rejects(attempt({ fields: { Severity: 'Bad' } }), {
      class: 'refused',
      message: /Invalid value.*Severity/,
    });
    await assert.rejects(attempt({ fields: { Nope: 'x' } }), { class: 'refused', code: 'setup-incomplete' });
    await assert.rejects(attempt({ status: 'unheard of' }), { class: 'refused', code: 'unknown-status' });
    await assert.rejects(attempt({ priority: 'Urgent' }), { class: 'refused', code: 'unknown-priority' });
    await attempt({ status: 'new', priority: 'Low' });
    assert.equal((await desk.read(id)).actions.length, 1);
    // The note is written before RT refuses the rest. It is ours and stays; the read-back shows what is missing.
    const [made] = await desk.perform(commandOf(id, { status: 'nonsense', visibility: 'hidden' }));
    const { snapshot, actions } = await desk.read(id);
    assert.deepEqual(made?.written.actionIds, [actions.at(-1)?.externalId]);
    assert.equal(snapshot.status, 'new');
  });

  it('refuses a change of a ticket that somebody else has changed since it was read', async () => {
    const id = await desk.logTicket();
    const { snapshot } = await desk.read(id);
    await asAgent('POST', `/ticket/${id}/comment`, { Content: 'Wait', ContentType: 'text/plain' });
    const command = commandOf(id, { note: null, status: 'resolved' });
    await assert.rejects(desk.perform(command, { snapshot }), { class: 'conflict' });
    await desk.perform(command, { snapshot: (await desk.read(id)).snapshot });
    assert.ok((await desk.read(id)).snapshot.closed);
  });

  it('still shows the notes that were written on a ticket before it was merged', async () => {
    const [kept, merged] = [await desk.logTicket(), await desk.logTicket()];
    await asAgent('POST', `/ticket/${merged}/correspond`, { Content: 'Said before.', ContentType: 'text/plain' });
    await asAgent('PUT', `/ticket/${merged}`, { MergeInto: Number(kept) });
    const reading = await desk.helpdesk.read(merged, null, desk.signal);
    assert.equal(reading.kind, 'merged');
    assert.deepEqual(
      reading.notes?.map(({ note, author, words }) => [note, author.name, words.kind]),
      [['<p>Said before.</p>', 'Ann Lee', 'Correspond']],
    );
  });

  it('reads again when RT gives a note without its text, as it does while a ticket is being merged', async () => {
    const id = await desk.logTicket();
    await asAgent('POST', `/ticket/${id}/correspond`, { Content: 'Said before.', ContentType: 'text/plain' });
    const proxy = await startFaultProxy(desk.rt.url);
    const headers = { 'content-type': 'application/json' };
    proxy.arm({ kind: 'answer', path: /attachments/, status: 200, headers, body: '{"items":[]}' });
    try {
      const reading = await desk.another(undefined, undefined, proxy.url).read(id, null, desk.signal);
      assert.equal(reading.kind, 'ticket');
      assert.deepEqual(
        ofKind(reading.actions, 'Correspond').map(({ note }) => note),
        ['<p>Said before.</p>'],
      );
    } finally {
      await proxy.close();
    }
  });

  it('tells of merged, deleted and missing tickets', async () => {
    const [kept, merged, deleted] = [await desk.logTicket(), await desk.logTicket(), await desk.logTicket()];
    await asAgent('PUT', `/ticket/${merged}`, { MergeInto: Number(kept) });
    await asAgent('PUT', `/ticket/${deleted}`, { Status: 'deleted' });
    assert.deepEqual(await desk.helpdesk.read(merged, null, desk.signal), { kind: 'merged', into: kept });
    assert.deepEqual(await desk.helpdesk.read(deleted, null, desk.signal), { kind: 'gone' });
    assert.deepEqual(await desk.helpdesk.read('999999', null, desk.signal), { kind: 'gone' });
    await assert.rejects(desk.perform(commandOf('999999')), { class: 'gone' });
    await assert.rejects(desk.perform(commandOf('999999', { note: null, status: 'open' })), { class: 'gone' });
  });

  it('mails nobody about what Ferry writes, unless a row says so, and then once', async () => {
    const open = {
      summary: 'Escalated',
      account: 'Acme',
      requester: { name: 'Uma', email: desk.rt.endUser.email },
      farNumber: '#7',
      farUrl: 'https://far.example/7',
    };
    await desk.rt.perl(`
      my $scrip = RT::Scrip->new(RT->SystemUser);
      my ($ok, $said) = $scrip->Create(Queue => 0, Description => 'added later', ScripCondition => 'On Status Change',
        ScripAction => 'Notify Requestors', Template => 'Status Change in HTML');
      die $said unless $ok;
      my $queue = RT::Queue->new(RT->SystemUser);
      $queue->Load('Acme');
      ($ok, $said) = $queue->AddWatcher(Type => 'AdminCc', Email => "boss\\x40acme.example");
      die $said unless $ok;
    `);
    await desk.rt.clearOutbox();
    const [made] = await desk.perform(commandOf(null, { open }));
    const id = made?.written.ticketId ?? '';
    await desk.perform(commandOf(id));
    await desk.perform(commandOf(id, { visibility: 'hidden', status: 'stalled' }));
    await desk.perform(commandOf(id, { note: null, status: 'resolved' }));
    assert.deepEqual(await desk.rt.outbox(), []);
    await desk.perform(commandOf(id, { note: '<p>For you</p>', mailsUser: true, visibility: 'hidden' }));
    assert.deepEqual(await desk.rt.outbox(), []);
    await desk.perform(commandOf(id, { note: '<p>For you</p>', mailsUser: true, status: 'resolved' }));
    const mails = await desk.rt.outbox();
    assert.equal(mails.filter((mail) => mail.to.includes(desk.rt.endUser.email)).length, 1);
    assert.match(mails.find((mail) => mail.to.includes(desk.rt.endUser.email))?.raw ?? '', /For you/);
    await desk.rt.clearOutbox();
    await asAgent('POST', `/ticket/${id}/correspond`, { Content: 'From a person', ContentType: 'text/plain' });
    assert.ok((await desk.rt.outbox()).some((mail) => mail.to.includes(desk.rt.endUser.email)));
  });

  it('opens a ticket once, with its reference, and finds it and its notes again', async () => {
    const open = {
      summary: 'VPN [acme.example #3] drops',
      account: 'Acme',
      requester: { name: 'Uma User' },
      farNumber: '#7',
      farUrl: 'https://far.example/7',
    };
    const command = commandOf(null, { open, category: 'Network', priority: 'High', fields: { Severity: 'High' } });
    const [made] = await desk.perform(command);
    assert.ok(made);
    const { snapshot, actions } = await desk.read(made.written.ticketId);
    assert.equal(made.written.number, snapshot.number);
    assert.equal(made.written.url, snapshot.url);
    assert.equal(snapshot.summary, 'VPN (acme.example #3) drops');
    assert.equal(snapshot.account, 'Acme');
    assert.equal(snapshot.requester?.email, 'uma@acme.example');
    assert.equal(snapshot.category, 'Network');
    assert.equal(snapshot.priority, 'High');
    assert.match(String(snapshot.fields['RemoteRef']), /^#7 https:\/\/far\.example\/7 ferry:/);
    assert.deepEqual(
      actions.map((action) => [action.marker, action.fingerprint]),
      [[made.marker, made.step.fingerprints[0]]],
    );
    const since = '2026-01-01T00:00:00Z';
    assert.deepEqual(await desk.helpdesk.find(made.step, made.marker, since, desk.signal), made.written);
    assert.equal(await desk.helpdesk.find(made.step, `${made.marker}9`, since, desk.signal), null);
    const id = made.written.ticketId;
    const [note] = await desk.perform(commandOf(id, { status: 'open', fields: { Severity: 'Low' } }));
    assert.ok(note);
    assert.deepEqual(await desk.helpdesk.find(note.step, note.marker, since, desk.signal), note.written);
    assert.equal(await desk.helpdesk.find(note.step, `${note.marker}9`, since, desk.signal), null);
    const bare = desk.helpdesk.steps(commandOf(id, { note: null, fields: { Severity: 'Normal' } }))[0];
    assert.ok(bare);
    assert.equal(await desk.helpdesk.find(bare, 'never-made', since, desk.signal), null);
    await assert.rejects(desk.perform(commandOf(null, { open: { ...open, account: 'No such queue' } })), {
      class: 'refused',
      message: /No such queue/,
    });
  });

  it('keeps the number of the ticket at the supplier, and clears it', async () => {
    const id = await desk.logTicket();
    const reference = { number: '#12', url: 'https://nw.example/Ticket/Display.html?id=12' };
    const [made] = await desk.perform(commandOf(id, { note: null, supplierReference: reference }));
    assert.equal(made?.step.name, 'reference');
    const first = await desk.read(id);
    assert.equal(first.snapshot.fields['SupplierRef'], `${reference.number} ${reference.url}`);
    assert.deepEqual([first.actions.at(-1)?.fingerprint], made?.step.fingerprints);
    await desk.perform(commandOf(id, { note: null, supplierReference: null }));
    assert.equal((await desk.read(id)).snapshot.fields['SupplierRef'], null);
  });

  it("takes files and gives them back byte for byte, and mails' pictures in their place", async () => {
    const id = await desk.logTicket();
    const latin1 = Buffer.from('Gr\u00fc\u00dfe\r\n', 'latin1');
    const large = randomBytes(5_000_000);
    const staged = new Map([
      ['t', latin1],
      ['b', large],
    ]);
    const file = (key: string, name: string, sizeBytes: number): Attachment => ({
      id: key,
      name,
      type: key === 't' ? 'text/plain' : 'application/pdf',
      sizeBytes,
      inline: false,
      sha256: null,
    });
    const attachments = [
      file('t', 'Grüße "1".txt', latin1.length),
      file('b', 'big.pdf', large.length),
      file('e', 'no.txt', 0),
    ];
    const { snapshot } = await desk.read(id);
    desk.requests();
    const [made] = await desk.perform(commandOf(id, { attachments }), {
      snapshot,
      openStaged: (one) => Readable.from([staged.get(one.id) ?? Buffer.alloc(0)]),
    });
    assert.equal(desk.requests(), 1);
    const [action] = ofKind((await desk.read(id)).actions, 'Correspond');
    assert.deepEqual([action?.fingerprint], made?.step.fingerprints);
    assert.match(action?.note ?? '', /no\.txt: an empty file/);
    assert.deepEqual(
      action?.attachments.map(({ name, sizeBytes, inline }) => [name, sizeBytes, inline]),
      [
        ['Grüße _1_.txt', latin1.length, false],
        ['big.pdf', large.length, false],
      ],
    );
    for (const [index, bytes] of [latin1, large].entries()) {
      const opened = await desk.helpdesk.openAttachment(id, action?.attachments[index]?.id ?? '', desk.signal);
      const hash = createHash('sha256');
      for await (const chunk of opened.stream) hash.update(chunk as Uint8Array);
      assert.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'));
    }
    await assert.rejects(desk.helpdesk.openAttachment(id, '999999', desk.signal), { class: 'gone' });
  });

  it("reads an end user's mail: picture in its place, nobody's marker but ours believed", async () => {
    await desk.rt.mailIn({
      from: desk.rt.endUser.email,
      subject: 'Picture',
      queue: 'Support',
      text: [
        'MIME-Version: 1.0',
        'Content-Type: multipart/related; boundary=B',
        '',
        '--B',
        'Content-Type: text/html; charset=utf-8; ferry-event="0192f0c4-stolen"; ferry-mails="1"',
        '',
        '<p>see <img src="cid:pic@x"></p>',
        '--B',
        'Content-Type: image/png; name=pic.png',
        'Content-ID: <pic@x>',
        'Content-Disposition: inline; filename=pic.png',
        'Content-Transfer-Encoding: base64',
        '',
        'iVBORw0KGgo=',
        '--B--',
        '',
      ].join('\n'),
    });
    const start = await desk.helpdesk.feed('{"floor":0,"seen":[]}', 100, desk.signal);
    const id = start.tickets.at(-1) ?? '';
    const { actions } = await desk.read(id);
    const [create] = actions;
    assert.equal(create?.author.role, 'user');
    assert.equal(create?.marker, undefined);
    const [picture] = create?.attachments ?? [];
    assert.equal(create?.note, `<p>see <img src="cid:${picture?.id}"></p>`);
    assert.deepEqual(
      [picture?.name, picture?.type, picture?.sizeBytes, picture?.inline],
      ['pic.png', 'image/png', 8, true],
    );
  });

  it('reads a mail with another mail and an invitation: own words as the note, both others as files with what they say', async () => {
    await desk.rt.mailIn({
      from: desk.rt.endUser.email,
      subject: 'Forwarded',
      queue: 'Support',
      text: [
        'MIME-Version: 1.0',
        'Content-Type: multipart/mixed; boundary=B',
        '',
        '--B',
        'Content-Type: multipart/alternative; boundary=C',
        '',
        '--C',
        'Content-Type: text/plain; charset=utf-8',
        '',
        'MY OWN WORDS',
        '--C',
        'Content-Type: text/calendar; charset=utf-8; method=REQUEST',
        '',
        'BEGIN:VCALENDAR',
        'END:VCALENDAR',
        '--C--',
        '--B',
        'Content-Type: message/rfc822',
        '',
        'From: Vendor <news@vendor.example>',
        'Subject: Offer of chairs',
        'MIME-Version: 1.0',
        'Content-Type: multipart/alternative; boundary=D',
        '',
        '--D',
        'Content-Type: text/plain',
        '',
        'ten chairs',
        '--D',
        'Content-Type: text/html',
        '',
        '<p>ten <b>chairs</b></p>',
        '--D--',
        '--B--',
        '',
      ].join('\n'),
    });
    const start = await desk.helpdesk.feed('{"floor":0,"seen":[]}', 100, desk.signal);
    const id = start.tickets.at(-1) ?? '';
    const [create] = (await desk.read(id)).actions;
    assert.equal(create?.note, '<p>MY OWN WORDS</p>');
    assert.deepEqual(
      create.attachments.map(({ name }) => name),
      ['invitation.ics', 'Offer of chairs.eml'],
    );
    const said: string[] = [];
    for (const file of create.attachments) {
      const { stream } = await desk.helpdesk.openAttachment(id, file.id, desk.signal);
      said.push(Buffer.concat(await stream.toArray()).toString());
    }
    assert.match(said[0] ?? '', /^BEGIN:VCALENDAR/);
    assert.match(said[1] ?? '', /^From: "?Vendor"? <news@vendor\.example>\r$/m);
    const parts = [...(said[1] ?? '').matchAll(/base64\r\n\r\n([\w+/=\r\n]+)/g)].map(([, part = '']) =>
      Buffer.from(part, 'base64').toString().trim(),
    );
    assert.deepEqual(parts, ['ten chairs', '<p>ten <b>chairs</b></p>']);
  });

  it('feeds every ticket with news once, without gaps, while many write', async () => {
    const ids = [await desk.logTicket(), await desk.logTicket(), await desk.logTicket()];
    let cursor = await desk.helpdesk.feedStart(desk.signal);
    const found: string[] = [];
    const poll = async (limit: number): Promise<void> => {
      for (let more = true; more;) {
        const page = await desk.helpdesk.feed(cursor, limit, desk.signal);
        assert.equal(new Set(page.tickets).size, page.tickets.length);
        found.push(...page.tickets);
        ({ cursor, more } = page);
      }
    };
    await poll(100);
    assert.deepEqual(found, []);
    let writing = true;
    const writers = Promise.all(
      desk.rt.agents.map(async ({ token }) => {
        for (const id of ids)
          await desk.rt.call(token, 'POST', `/ticket/${id}/comment`, { Content: 'x', ContentType: 'text/plain' });
      }),
    ).finally(() => (writing = false));
    while (writing) await poll(2);
    await writers;
    await poll(2);
    assert.deepEqual(new Set(found), new Set(ids));
    assert.ok(found.length <= 6, `${found.length} for six changes`);
    found.length = 0;
    await poll(100);
    assert.deepEqual(found, []);
    // A transaction with a lower id is committed after one with a higher id; RT's mail records serve as such.
    const [id = ''] = ids;
    await asAgent('POST', `/ticket/${id}/correspond`, { Content: 'with mail', ContentType: 'text/plain' });
    await poll(100);
    found.length = 0;
    const database = new DatabaseSync(join(desk.rt.dir, 'rt.db'));
    database.exec('pragma busy_timeout = 5000');
    database
      .prepare(
        "update Transactions set Type = 'Comment' where id = (select max(id) from Transactions where Type = 'EmailRecord')",
      )
      .run();
    database.close();
    await poll(100);
    assert.deepEqual(found, [id]);
  });

  it('knows nobody with a wrong token, and says so', async () => {
    const stranger = desk.another({}, '1-1-0123456789abcdef');
    await assert.rejects(stranger.ping(desk.signal), { class: 'auth' });
    await assert.rejects(stranger.read('1', null, desk.signal), { class: 'auth' });
    await desk.helpdesk.ping(desk.signal);
  });

  it('offers its queues, fields and kinds', async () => {
    const catalogue = await desk.helpdesk.catalogue(desk.signal);
    assert.deepEqual(catalogue.accounts.toSorted(), ['Acme', 'Escalations', 'Support']);
    assert.deepEqual(catalogue.categories.toSorted(), ['Hardware', 'Network', 'Software']);
    const field = (name: string) => catalogue.fields.find((one) => one.name === name);
    assert.equal(field('Due window')?.type, 'date');
    assert.equal(field('Started')?.type, 'datetime');
    assert.equal(field('Sites')?.type, 'options');
    assert.deepEqual(field('Supplier'), { name: 'Supplier', type: 'option', options: field('Supplier')?.options });
    assert.deepEqual(field('Supplier')?.options?.toSorted(), ['Contoso', 'Northwind MSP']);
    assert.equal(field('Category'), undefined);
    assert.deepEqual(
      catalogue.kinds.filter((kind) => kind.name.startsWith('Co')).map((kind) => [kind.name, kind.hidden, kind.mails]),
      [
        ['Correspond', false, true],
        ['Comment', true, false],
      ],
    );
  });

  it('tells of a change at once, signed', async () => {
    const id = await desk.logTicket();
    const hook = await until(() => hooks.find(({ body }) => hintOf(JSON.parse(body)).includes(id)), {
      what: 'the webhook',
    });
    assert.ok(hook.signed);
  });

  it('printed no errors meanwhile', () => {
    const lines = desk.rt.log().split('\n');
    // RT's output for a ticket or a file that does not exist.
    const asked = /couldn't init a transaction|can't find transaction|method "new" on an undefined value/;
    const errors = lines.filter((line) => /\[(?:error|critical)\]/.test(line) && !asked.test(line));
    assert.deepEqual(errors, []);
  });
});
