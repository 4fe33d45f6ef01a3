import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { retry } from '#operate/deliveries/retry.ts';
import { testOperator } from '#test/support/operator.ts';
import { rtSkip } from '#test/real/rt.ts';
import { until } from '#test/support/wait.ts';
import { named } from '#test/support/named.ts';
import { errorDialogPng } from '#twins/halo/picture.ts';
import { startDeskRig, type DeskRig } from './desk-rig.ts';
import { carriedTexts, mailsOf, startRtPair, withPicture, type Mirrored, type RtPair } from './rt-pair.ts';
import type { RtDesk } from './rt-desk.ts';

const picture = errorDialogPng();
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('two Request Trackers, both real', { skip: rtSkip }, () => {
  let rig: DeskRig;
  let pair: RtPair;
  let acme: RtDesk;
  let north: RtDesk;
  /** Marked before go-live. */
  let early: string;
  let one: Mirrored;
  let two: Mirrored;
  let three: Mirrored;
  before(async () => {
    rig = await startDeskRig('rt_to_rt');
    pair = await startRtPair(rig);
    ({ acme, north } = pair);
    early = await acme.logged({ Subject: 'Marked long ago', CustomFields: { Supplier: 'Northwind MSP' } });
    // RT stores seconds, so what is done in the second of the go-live counts as before it.
    await nextSecond();
    await pair.link();
    await rig.startWorker({ pollMs: 15_000 });
    await rig.live();
    await nextSecond();
  });
  after(() => rig.close());

  const stateOf = async ({ ticket }: Mirrored): Promise<readonly unknown[]> => {
    const mirror = (await rig.trace('acme', ticket)).mirrors.at(-1);
    return [mirror?.state, mirror?.closeReason];
  };
  /** Both desks are polled then, and not before. */
  const pollIn = (interval: string): Promise<unknown> =>
    rig.connection.db.execute(sql`update feeds set next_poll_at = now() + ${interval}::interval`);

  it('opens nothing for a mark set before go-live until it is set again; then one ticket in the supplier’s queue', async () => {
    await acme.comment(early, '<p>Still broken.</p>');
    await rig.settled();
    assert.deepEqual(north.database.tickets(), []);
    await acme.change(early, {}, { Supplier: 'Contoso' });
    await acme.change(early, {}, { Supplier: 'Northwind MSP' });
    const far = await pair.farOf(early);
    const opened = north.ticket(far);
    assert.equal(opened.subject, 'Marked long ago');
    assert.equal(opened.queue, 'Acme');
    assert.equal(north.database.tickets().length, 1);
  });

  it('opens in the supplier’s words, dates and moments unmoved, requested by the escalating agent, and mails nobody there', async () => {
    [one, two] = await Promise.all([
      pair.escalated({
        Subject: 'VPN drops every hour',
        Content: 'Since Monday.',
        // Ten o'clock for an agent in Berlin.
        CustomFields: {
          Severity: 'High',
          Category: 'Network',
          'Due window': '2026-03-05',
          Started: '2026-03-04 10:00:00',
          Asset: 'LT-4711',
        },
      }),
      pair.escalated({ Subject: 'Printer' }),
    ]);
    const opened = north.ticket(one.far);
    assert.equal(opened.subject, 'VPN drops every hour');
    assert.equal(opened.status, 'new');
    assert.deepEqual(opened.requestors, ['ann@acme.example']);
    const { RemoteRef, ...fields } = opened.fields;
    assert.deepEqual(fields, {
      Service: 'Connectivity',
      Impact: 'Major',
      'Client due': '2026-03-05',
      'Work begins': '2026-03-04 09:00:00',
      Serial: 'LT-4711',
    });
    assert.match(RemoteRef ?? '', new RegExp(`^#${one.ticket} http`));
    const [first] = opened.done;
    assert.match(first?.text ?? '', /Ann Lee \(Acme\).*Since Monday\./s);
    assert.equal(first?.text.match(/Since Monday/g)?.length, 1, 'the description is not told twice');
    assert.match(acme.ticket(one.ticket).fields['SupplierRef'] ?? '', new RegExp(`^#${one.far} http`));
    assert.deepEqual(await north.rt.outbox(), []);
  });

  it('shows a comment that the customer sends to the supplier’s agents; the auto-open it causes is neither echoed nor carried', async () => {
    await acme.comment(two.ticket, '<p>It is the one in York.</p>');
    const note = await north.note(two.far, 'the one in York');
    assert.equal(note.type, 'Correspond');
    assert.match(note.text, /Ann Lee \(Acme\)/);
    await rig.settled();
    const opened = north.ticket(two.far);
    assert.equal(opened.status, 'open');
    assert.deepEqual(
      opened.done.map(({ type, by }) => [type, by]),
      [
        ['Create', 'gateway'],
        ['Correspond', 'gateway'],
        ['Status', 'RT_System'],
      ],
    );
    assert.equal(acme.ticket(two.ticket).status, 'new');
  });

  it('brings the supplier’s reply as a comment, keeps its comment at home, and mails nobody at the customer', async () => {
    await acme.rt.clearOutbox();
    await north.comment(one.far, '<p>Between us: old firmware.</p>');
    await north.reply(one.far, '<p>We look into it.</p>');
    const note = await acme.note(one.ticket, 'We look into it');
    assert.equal(note.type, 'Comment');
    assert.match(note.text, /Nora Nord \(Northwind\)/);
    // A person's reply opened it, so the change is carried.
    await acme.shows(one.ticket, 'the status', (seen) => seen.status === 'open');
    await rig.settled();
    assert.doesNotMatch(JSON.stringify(acme.ticket(one.ticket)), /old firmware/);
    assert.deepEqual(await acme.rt.outbox(), []);
  });

  it('brings replies of the customer’s agent and of its end user, whose name stays hidden; the supplier mails nobody', async () => {
    await north.rt.clearOutbox();
    await acme.reply(one.ticket, '<p>Thank you, we wait.</p>');
    await acme.rt.mailIn({
      from: acme.rt.endUser.email,
      subject: `Re: [acme.example #${one.ticket}] VPN`,
      queue: 'Support',
      text: 'Now it is gone.',
    });
    assert.match((await north.note(one.far, 'Thank you, we wait')).text, /Ann Lee \(Acme\)/);
    assert.match((await north.note(one.far, 'Now it is gone')).text, /End user \(Acme\)/);
    await rig.settled();
    assert.doesNotMatch(JSON.stringify(north.ticket(one.far)), named('uma'));
    assert.deepEqual(await north.rt.outbox(), []);
    const told = (await acme.rt.outbox()).filter(({ to }) => to.includes(acme.rt.endUser.email));
    assert.equal(told.length, 1, 'the customer’s own mail to its user, once');
  });

  it('carries bare changes of status, category and fields both ways, in each side’s words and time zone', async () => {
    await Promise.all([
      acme.change(
        one.ticket,
        {},
        {
          Severity: 'Low',
          Category: 'Hardware',
          'Due window': '2026-07-01',
          Started: '2026-07-01 08:30:00',
          Asset: '',
        },
      ),
      // In Tokyo.
      north.change(
        two.far,
        { Status: 'stalled' },
        {
          Impact: 'Major',
          Service: 'Devices',
          'Client due': '2026-08-02',
          'Work begins': '2026-08-02 00:15:00',
          Serial: 'P-7',
        },
      ),
    ]);
    await north.shows(
      one.far,
      'the fields',
      ({ fields }) =>
        fields['Impact'] === 'Minor' &&
        fields['Service'] === 'Devices' &&
        fields['Client due'] === '2026-07-01' &&
        fields['Work begins'] === '2026-07-01 06:30:00' &&
        fields['Serial'] === undefined,
    );
    await acme.shows(
      two.ticket,
      'the fields and the status',
      ({ fields, status }) =>
        fields['Severity'] === 'High' &&
        fields['Category'] === 'Hardware' &&
        fields['Due window'] === '2026-08-02' &&
        fields['Started'] === '2026-08-01 15:15:00' &&
        fields['Asset'] === 'P-7' &&
        status === 'open',
    );
  });

  it('leaves an unmapped category where it is, says so in the trace, and the note goes', async () => {
    await acme.change(two.ticket, {}, { Category: 'Software' });
    await acme.reply(two.ticket, '<p>It is the driver.</p>');
    await north.note(two.far, 'It is the driver');
    await rig.settled();
    assert.equal(north.ticket(two.far).fields['Service'], 'Devices');
    const told = (await rig.trace('acme', two.ticket)).entries.flatMap(({ deliveries }) =>
      deliveries.map(({ reason }) => reason?.code),
    );
    assert.ok(told.includes('unmapped-category'), told.join());
  });

  it('carries files byte for byte and pictures in their place, both ways', async () => {
    const files = [randomBytes(300_000), randomBytes(70_000)] as const;
    const attached = (name: string, bytes: Buffer) => ({
      Attachments: [{ FileName: name, FileType: 'application/pdf', FileContent: bytes.toString('base64') }],
    });
    await Promise.all([
      acme.reply(one.ticket, '<p>The log.</p>', attached('log.pdf', files[0])),
      north.reply(one.far, '<p>The manual.</p>', attached('manual.pdf', files[1])),
      acme.rt.mailIn(withPicture(acme, two.ticket, 'What I see', picture)),
      north.rt.mailIn(withPicture(north, two.far, 'What we see', picture)),
    ]);
    assert.deepEqual(
      (await north.note(one.far, 'The log')).files.map((file) => [file.name, file.sha256]),
      [['log.pdf', sha256(files[0])]],
    );
    assert.deepEqual(
      (await acme.note(one.ticket, 'The manual')).files.map((file) => [file.name, file.sha256]),
      [['manual.pdf', sha256(files[1])]],
    );
    for (const [desk, ticket, text] of [
      [north, two.far, 'What I see'],
      [acme, two.ticket, 'What we see'],
    ] as const) {
      const note = await desk.note(ticket, text);
      const source = /<img[^>]*src="cid:([^"]+)"/.exec(note.text)?.[1];
      assert.deepEqual(
        note.files.map(({ contentId, sha256: hash }) => [contentId, hash]),
        [[source, sha256(picture)]],
      );
    }
  });

  it('carries a burst of both sides once and in order, with at most four requests for each note at its destination', async (t) => {
    three = await pair.escalated({ Subject: 'Busy' });
    await pollIn('10 minutes');
    await rig.settled();
    await pair.quiet();
    const [atAcme, atNorth] = [acme.proxy.seen.length, north.proxy.seen.length];
    for (let n = 1; n <= 5; n += 1) await acme.reply(three.ticket, `<p>from Acme ${n}</p>`);
    await north.note(three.far, 'from Acme 5');
    await rig.settled();
    await pair.quiet();
    const requests = { origin: acme.proxy.seen.length - atAcme, destination: north.proxy.seen.length - atNorth };
    t.diagnostic(`requests for 5 notes, polls left out: ${JSON.stringify(requests)}`);
    assert.ok(requests.destination <= 5 * 4, JSON.stringify(north.proxy.seen.slice(atNorth)));
    await Promise.all([
      (async () => {
        for (let n = 6; n <= 9; n += 1) await acme.comment(three.ticket, `<p>from Acme ${n}</p>`);
      })(),
      (async () => {
        for (let n = 1; n <= 4; n += 1) await north.reply(three.far, `<p>from Northwind ${n}</p>`);
      })(),
    ]);
    await pollIn('0');
    await north.note(three.far, 'from Acme 9');
    await acme.note(three.ticket, 'from Northwind 4');
    await rig.settled();
    assert.deepEqual(
      carriedTexts(north.ticket(three.far)),
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `from Acme ${n}`),
    );
    assert.deepEqual(
      carriedTexts(acme.ticket(three.ticket)),
      [1, 2, 3, 4].map((n) => `from Northwind ${n}`),
    );
  });

  it('closes both when either side resolves, and the end user’s answer opens both again', async () => {
    await Promise.all([
      north.reply(one.far, '<p>Firmware updated.</p>', { Status: 'resolved' }),
      acme.change(two.ticket, { Status: 'resolved' }),
    ]);
    await acme.shows(one.ticket, 'the status', ({ status }) => status === 'resolved');
    await north.shows(two.far, 'the status', ({ status }) => status === 'resolved');
    await rig.settled();
    assert.deepEqual(
      [await stateOf(one), await stateOf(two)],
      [
        ['closed', 'done'],
        ['closed', 'done'],
      ],
    );
    await acme.rt.mailIn({
      from: acme.rt.endUser.email,
      subject: `[acme.example #${one.ticket}]`,
      queue: 'Support',
      text: 'It drops again.',
    });
    await north.note(one.far, 'It drops again');
    await north.shows(one.far, 'the status', ({ status }) => status === 'open');
    await rig.settled();
    assert.equal(acme.ticket(one.ticket).status, 'open');
    assert.deepEqual(await stateOf(one), ['open', null]);
  });

  it('keeps every invariant up to here', () => rig.check());

  it('widens and mails only where a row says so, and tells the acting agent in private what RT refuses, in its words', async (t) => {
    t.after(() => pair.link());
    await pair.link((link, file) => {
      link.customer.inbound['actions'] = [{ from: 'Correspond', to: 'Correspond', audience: 'user' }];
      link.supplier.inbound['actions'] = [
        { from: 'Correspond', to: 'Correspond' },
        { from: 'Comment', to: 'Correspond', mailsUser: true },
      ];
      // A status of which RT's lifecycle knows nothing.
      const { options } = file.instances['northwind'] as { options: Record<string, unknown> };
      options['statuses'] = ['new', 'open', 'stalled', 'parked', 'resolved', 'rejected'].map((name) => ({
        name,
        closed: name.startsWith('re'),
      }));
      const statuses = link.supplier.inbound['statuses'] as { from: string; to: string }[];
      for (const row of statuses) if (row.from === 'stalled') row.to = 'parked';
    });
    await Promise.all([acme.rt.clearOutbox(), north.rt.clearOutbox()]);
    // Processes look at an instance's options once a second.
    await nextSecond();
    await nextSecond();
    await Promise.all([
      north.reply(one.far, '<p>Dear user, restart it.</p>'),
      acme.comment(one.ticket, '<p>Please mail me.</p>'),
      acme.change(early, { Status: 'stalled' }),
    ]);
    assert.equal((await acme.note(one.ticket, 'Dear user, restart it')).type, 'Correspond');
    assert.equal((await north.note(one.far, 'Please mail me')).type, 'Correspond');
    const told = await acme.note(early, 'did not arrive at Northwind');
    assert.equal(told.type, 'Comment');
    assert.match(told.text, /parked/);
    assert.match(told.text, /isn&#39;t a valid status|isn't a valid status/);
    await rig.settled();
    assert.deepEqual(await acme.rt.outbox(), [], 'visible to the end user, but no mail');
    // RT shows a note before it has sent the mail about it.
    let outbox = await north.rt.outbox();
    await until(async () => mailsOf((outbox = await north.rt.outbox()), 'gateway@northwind.example').length > 0, {
      what: 'the mail to the user',
      timeoutMs: 10_000,
    }).catch(() => {});
    const mails = mailsOf(outbox, 'gateway@northwind.example');
    assert.deepEqual(
      mails.map(({ to }) => to),
      [['ann@acme.example']],
      `the outbox: ${JSON.stringify(outbox)}; the ticket: ${JSON.stringify(north.ticket(one.far).done.slice(-4))}`,
    );
    await pair.link();
  });

  it('tells the supplier’s agent in private when the customer’s RT denies permission', async (t) => {
    const service = `(select g.id from Groups g join Users u on u.id = g.Instance where g.Domain = 'ACLEquivalence' and u.Name = 'gateway')`;
    const either = "RightName in ('CommentOnTicket', 'ModifyTicket')";
    const allowed = (): void =>
      acme.database.change("update ACL set RightName = substr(RightName, 3) where RightName like 'No%'");
    t.after(allowed);
    acme.database.change(`update ACL set RightName = 'No' || RightName where ${either} and PrincipalId = ${service}`);
    await north.reply(one.far, '<p>Nobody may say this.</p>');
    const told = await north.note(one.far, 'did not arrive at Acme');
    allowed();
    assert.equal(told.type, 'Comment');
    assert.match(told.text, /Permission Denied/i);
    await rig.settled();
    assert.equal(
      acme.ticket(one.ticket).done.some(({ text }) => text.includes('Nobody may say this')),
      false,
    );
  });

  it('refuses to escalate again what is open at the supplier, with its number', async () => {
    await acme.change(one.ticket, {}, { Supplier: 'Contoso' });
    await acme.change(one.ticket, {}, { Supplier: 'Northwind MSP' });
    const told = await acme.note(one.ticket, 'did not arrive at Northwind');
    assert.equal(told.type, 'Comment');
    assert.match(told.text, new RegExp(`#${one.far}\\b`));
  });

  it('writes once what RT took although its answer was lost, a ticket as well as a note', async () => {
    const before = north.database.tickets().length;
    north.proxy.arm({ kind: 'lose-reply', method: 'POST', path: /\/ticket$/ });
    const lost = await pair.escalated({ Subject: 'Lost in the post' });
    assert.equal(north.database.tickets().length, before + 1);
    north.proxy.arm({ kind: 'lose-reply', method: 'POST', path: /\/correspond$/ });
    for (const text of ['first', 'second']) await acme.reply(lost.ticket, `<p>from Acme ${text}</p>`);
    await north.note(lost.far, 'second');
    await rig.settled();
    assert.deepEqual(carriedTexts(north.ticket(lost.far)), ['from Acme first', 'from Acme second']);
  });

  it('learns from the webhook at once, and from the poll where no webhook comes', async () => {
    await pollIn('10 minutes');
    await acme.reply(one.ticket, '<p>Announced.</p>');
    await north.note(one.far, 'Announced');
    acme.hooks(false);
    await acme.reply(one.ticket, '<p>Said quietly.</p>');
    await pollIn('0');
    await north.note(one.far, 'Said quietly');
    acme.hooks(true);
  });

  it('follows the survivor when the supplier merges its ticket into another, whether RT or its own write reveals it', async () => {
    const [told, silent] = await Promise.all([
      pair.escalated({ Subject: 'The same again' }),
      pair.escalated({ Subject: 'And again' }),
    ]);
    const outage = { Subject: 'Known outage', Requestor: 'ops@northwind.example' };
    const [survivor, other] = await Promise.all([north.logged(outage), north.logged(outage)]);
    const follows = (ticket: string, into: string): Promise<unknown> =>
      until(async () => (await rig.trace('acme', ticket)).mirrors[0]?.supplier.ticket === into, {
        what: `${ticket} at ${into}`,
        timeoutMs: 60_000,
      });
    await north.reply(told.far, '<p>Said before.</p>');
    await north.change(told.far, { MergeInto: Number(survivor) });
    await follows(told.ticket, survivor);
    await north.reply(survivor, '<p>In an hour.</p>');
    await acme.note(told.ticket, 'In an hour');
    assert.match((await acme.note(told.ticket, 'Said before')).text, /Nora Nord/);

    await pollIn('10 minutes');
    north.hooks(false);
    await north.change(silent.far, { MergeInto: Number(other) });
    await acme.reply(silent.ticket, '<p>Any news?</p>');
    await north.note(other, 'Any news');
    await follows(silent.ticket, other);
    north.hooks(true);
    await north.reply(other, '<p>In two hours.</p>');
    await acme.note(silent.ticket, 'In two hours');
    await pollIn('0');
  });

  it('ends the mirror of a ticket that the supplier deletes, and the customer’s agents can read it', async () => {
    await north.change(three.far, { Status: 'deleted' });
    const told = await acme.note(three.ticket, 'deleted');
    assert.equal(told.type, 'Comment');
    await rig.settled();
    assert.deepEqual(await stateOf(three), ['closed', 'gone']);
    const notices = await rows<{ text: string }>(
      rig.connection.db,
      sql`select text from notices where cause like 'gone/%'`,
    );
    assert.equal(notices.length, 1);
  });

  it('says “auth” when RT no longer accepts the token, leaves RT alone, and continues with a new token', async () => {
    const token = `Owner = (select id from Users where Name = 'gateway')`;
    north.database.change(`update AuthTokens set Owner = -Owner where ${token}`);
    await acme.reply(one.ticket, '<p>Are you there?</p>');
    const state = async (): Promise<string | undefined> =>
      (await rows<{ state: string }>(rig.connection.db, sql`select state from instances where id = 'northwind'`))[0]
        ?.state;
    await until(async () => (await state()) === 'auth', { what: 'the state auth', timeoutMs: 60_000 });
    const before = north.proxy.seen.length;
    await nextSecond();
    await nextSecond();
    assert.ok(north.proxy.seen.length - before <= 2, 'no hot loop');
    north.database.change('update AuthTokens set Owner = -Owner where Owner < 0');
    await retry(testOperator(rig.connection.db), 'northwind');
    await north.note(one.far, 'Are you there?');
    await until(async () => (await state()) === 'up', { what: 'the state up', timeoutMs: 60_000 });
  });

  it('keeps every invariant to the end, mistakes none of its own writes for a person’s, and has mailed nobody else', async () => {
    await rig.check({ mayWiden: (kind) => kind === 'Correspond' });
    const own = await rows(rig.connection.db, sql`select id from actions where author->>'role' = 'service'`);
    assert.equal(own.length, 0);
    for (const desk of [acme, north]) {
      assert.deepEqual(mailsOf(await desk.rt.outbox(), `gateway@${desk.rt.name}`).slice(desk === north ? 1 : 0), []);
    }
  });
});

function nextSecond(): Promise<true> {
  const start = Math.floor(Date.now() / 1000);
  return until(() => Math.floor(Date.now() / 1000) > start, { what: 'the next second', timeoutMs: 5_000 });
}
