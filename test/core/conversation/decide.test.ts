import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decide } from '#core/conversation/decide.ts';
import type { DecideInput } from '#core/conversation/decide-input.ts';
import type { Command, Verdict } from '#core/words/vocabulary.ts';
import {
  action,
  daysBefore,
  decideInput,
  file,
  inbound,
  minutesBefore,
  mirror,
  northwindCatalogue,
  now,
  openingInput,
  outgoing,
  short,
  snapshot,
  words,
} from '#test/core/fixtures.ts';

function verdictOf(part: Partial<DecideInput> = {}): Verdict {
  return decide(decideInput(part));
}

function commandOf(part: Partial<DecideInput> = {}): Command {
  const verdict = verdictOf(part);
  assert.equal(verdict.kind, 'apply', 'reason' in verdict ? verdict.reason.text : '');
  return verdict.command;
}

function closed(part: Parameters<typeof mirror>[0] = {}) {
  return mirror({ state: 'closed', closeReason: 'done', closedAt: daysBefore(1), ...part });
}

const atNorthwind: Partial<DecideInput> = {
  mirror: mirror({ side: 'supplier' }),
  outgoing: outgoing({ action: action({ origin: 'acme', via: ['acme'], words: words({ kind: 'Note to supplier' }) }) }),
  inbound: inbound({ actions: [{ from: 'Note to supplier', to: 'Client Note' }] }),
  catalogue: northwindCatalogue,
  account: { name: 'Acme' },
  snapshot: snapshot({ ticketId: '9', status: 'In progress', account: 'Acme' }),
  senderName: 'Acme IT',
};

const unopened = { instance: 'northwind', name: 'Northwind', ticketId: null, number: null, url: null };

const mails = inbound({ actions: [{ from: 'Update', to: 'Email User', mailsUser: true }] });

const cases: readonly (readonly [string, Partial<DecideInput>, string])[] = [
  ['a mapped action is applied', {}, 'apply'],
  [
    'an action never goes back to where it began',
    { outgoing: outgoing({ action: action({ origin: 'acme', via: [] }) }) },
    'skip(origin)',
  ],
  [
    'an action never goes to an instance it has passed',
    { outgoing: outgoing({ action: action({ origin: 'globex', via: ['globex', 'acme', 'northwind'] }) }) },
    'skip(origin)',
  ],
  [
    'without an origin nothing is delivered',
    { outgoing: outgoing({ action: action({ origin: '', via: [] }) }) },
    'skip(origin)',
  ],
  [
    'on a refused mirror what follows the escalation is not opened',
    { mirror: mirror({ state: 'refused' }) },
    'skip(not-opened)',
  ],
  [
    'behind an escalation that is held the next waits',
    { ...atNorthwind, mirror: mirror({ state: 'opening', side: 'supplier', supplier: unopened }) },
    'hold(dead-head)',
  ],
  [
    'what is said at the far ticket as soon as it is there may be ahead of the receipt that names it, and is carried',
    { mirror: mirror({ state: 'opening', supplier: unopened }) },
    'apply',
  ],
  ['escalating an open mirror again is refused', { escalation: true }, 'refuse(already-escalated)'],
  ['within 30 days replies travel on a closed mirror and may reopen it', { mirror: closed() }, 'apply'],
  ['after 30 days a closed mirror takes nothing', { mirror: closed({ closedAt: daysBefore(31) }) }, 'refuse(closed)'],
  ['a closed mirror with a newer one takes nothing', { mirror: closed({ superseded: true }) }, 'refuse(closed)'],
  ['a closed mirror whose time is lost takes nothing', { mirror: closed({ closedAt: null }) }, 'refuse(closed)'],
  ['on a deleted ticket nothing more is done', { mirror: closed({ closeReason: 'gone' }) }, 'refuse(gone)'],
  [
    'on a ticket that was merged into one with a mirror of its own nothing more is done',
    { mirror: closed({ closeReason: 'merged' }) },
    'refuse(merged)',
  ],
  [
    'on a mirror closed for its account it is held',
    { mirror: closed({ closeReason: 'wrong-account' }) },
    'hold(wrong-account)',
  ],
  ['on an ended shadow mirror nothing is done', { mirror: closed({ closeReason: 'shadow-ended' }) }, 'skip(shadow)'],
  ['on a closed link nothing is done', { mirror: closed({ closeReason: 'link-closed' }) }, 'refuse(closed)'],
  ['a paused mirror holds what comes', { mirror: mirror({ paused: true }) }, 'hold(ping-pong)'],
  [
    'a supplier’s ticket that moved to another account gets nothing',
    { ...atNorthwind, snapshot: snapshot({ account: 'Contoso' }) },
    'hold(wrong-account)',
  ],
  [
    'a ticket whose account nobody knows is not held',
    { ...atNorthwind, snapshot: snapshot({ account: null }) },
    'apply',
  ],
  [
    'the customer’s own accounts say nothing about the link',
    { snapshot: snapshot({ account: 'Head office' }) },
    'apply',
  ],
  [
    'a note that is for its team does not arrive',
    { outgoing: outgoing({ action: action({ audience: 'team' }) }) },
    'skip(team-only)',
  ],
  [
    'a note for its team does not arrive even where the row says user',
    {
      outgoing: outgoing({ action: action({ audience: 'team' }) }),
      inbound: inbound({ actions: [{ from: 'Update', to: 'Public Note', audience: 'user' }] }),
    },
    'skip(team-only)',
  ],
  ['an unmapped action without a default is refused', { inbound: inbound() }, 'refuse(unmapped-action)'],
  ['an unmapped action takes the default', { inbound: inbound({ actionDefault: 'Internal Update' }) }, 'apply'],
  [
    'a row onto an action that the desk no longer has refuses',
    { inbound: inbound({ actions: [{ from: 'Update', to: 'Vanished' }] }) },
    'refuse(unknown-in-catalogue)',
  ],
  [
    'a default that the desk no longer has refuses',
    { inbound: inbound({ actionDefault: 'Vanished' }) },
    'refuse(unknown-in-catalogue)',
  ],
  ['mail to the end user within four hours goes', { inbound: mails }, 'apply'],
  [
    'mail to the end user older than four hours is held',
    { inbound: mails, outgoing: outgoing({ action: action({ at: minutesBefore(241) }) }) },
    'hold(late-mail)',
  ],
  [
    'late mail counts from when the far desk recorded it',
    { inbound: mails, committedAt: minutesBefore(241) },
    'hold(late-mail)',
  ],
  [
    'late mail that somebody released is not held again',
    { inbound: mails, committedAt: minutesBefore(241), releasedLate: { writtenAt: minutesBefore(241) } },
    'apply',
  ],
  [
    'a late note that mails nobody goes',
    { outgoing: outgoing({ action: action({ at: minutesBefore(5000) }) }) },
    'apply',
  ],
  ['in shadow mode nothing is written', { linkMode: 'shadow' }, 'skip(shadow)'],
  [
    'on a shadow mirror nothing is written although the link is live',
    { mirror: mirror({ mode: 'shadow' }) },
    'skip(shadow)',
  ],
  [
    'in shadow mode what would be refused is told and not refused',
    { linkMode: 'shadow', inbound: inbound() },
    'skip(shadow)',
  ],
  [
    'in shadow mode a loop guard still says its own reason',
    { linkMode: 'shadow', outgoing: outgoing({ action: action({ origin: 'acme' }) }) },
    'skip(origin)',
  ],
];

for (const [name, part, expected] of cases) {
  test(name, () => {
    assert.equal(short(verdictOf(part)), expected);
  });
}

test('the refusal of a second escalation names the open ticket and what to do', () => {
  const verdict = verdictOf({ ...atNorthwind, escalation: true });
  assert.ok('reason' in verdict);
  assert.match(verdict.reason.text, /Northwind.*NW-9.*update/);
});

test('shadow tells what would have been', () => {
  const applied = verdictOf({ linkMode: 'shadow' });
  const refused = verdictOf({ linkMode: 'shadow', inbound: inbound() });
  assert.ok('reason' in applied && 'reason' in refused);
  assert.match(applied.reason.text, /applied as "Internal Update"/);
  assert.match(refused.reason.text, /refused: .*no mapping/);
});

test('a person from the far side shows as name (desk), and as a local account only where people maps one', () => {
  const mapped = inbound({ actionDefault: 'Internal Update', people: [{ from: 'ANN@northwind.example', to: 'alee' }] });
  const byName = inbound({ actionDefault: 'Internal Update', people: [{ from: 'ann lee', to: 'alee2' }] });
  assert.deepEqual(commandOf().author, { display: 'Ann Lee (Northwind)' });
  assert.deepEqual(commandOf({ inbound: mapped }).author, { display: 'Ann Lee (Northwind)', localAccount: 'alee' });
  assert.equal(commandOf({ inbound: byName }).author.localAccount, 'alee2');
});

test('an author without a name shows as the desk, and a name is one line', () => {
  const by = (name: string) =>
    commandOf({ outgoing: outgoing({ action: action({ author: { name, role: 'agent' } }) }) }).author.display;
  assert.equal(by(' '), 'Northwind');
  assert.equal(by('Ann\r\nBcc: x\0'), 'Ann Bcc: x (Northwind)');
});

test('the author’s time travels with the command', () => {
  assert.equal(commandOf().at, minutesBefore(1));
});

test('what arrives is made safe again, from any sender', () => {
  const note = '<p onclick="x()">Hi<script>alert(1)</script></p>';
  assert.equal(commandOf({ outgoing: outgoing({ action: action({ note }) }) }).note, '<p>Hi</p>');
});

test('other desks’ mail tags in the text are made inert and stay readable', () => {
  const note = '<p>See [rt.local #12] and [ID:123]</p>';
  assert.equal(
    commandOf({ outgoing: outgoing({ action: action({ note }) }) }).note,
    '<p>See (rt.local #12) and (ID:123)</p>',
  );
});

test('an inline image that did not come along is a placeholder, one that did stays', () => {
  const note = '<img src="cid:f1" /><img src="cid:f9" alt="lost" />';
  const attachments = [file({ inline: true })];
  const command = commandOf({ outgoing: outgoing({ action: action({ note, attachments }) }) });
  assert.equal(command.note, '<img src="cid:f1" /><span>[image: lost]</span>');
});

test('file names are made safe', () => {
  const command = commandOf({ outgoing: outgoing({ action: action({ attachments: [file({ name: '../x.txt' })] }) }) });
  assert.deepEqual(
    command.attachments.map(({ name }) => name),
    ['x.txt'],
  );
});

test('what was released late says when it was written', () => {
  const today = commandOf({ releasedLate: { writtenAt: '2026-11-21T09:12:33.000Z' } });
  const before = commandOf({ releasedLate: { writtenAt: '2026-11-19T09:12:33.000Z' } });
  assert.equal(today.note, '<p><em>Written 09:12 UTC, delivered late.</em></p><p>Hello</p>');
  assert.match(before.note ?? '', /Written 2026-11-19 09:12 UTC/);
});

test('what was dropped on the way is reported with the verdict, the sender’s part first', () => {
  const drops = [{ code: 'attachment-off', text: '…' }];
  const verdict = verdictOf({
    outgoing: outgoing({ drops, action: action({ words: words({ status: 'Scheduled' }) }) }),
  });
  assert.ok(verdict.kind === 'apply');
  assert.deepEqual(
    verdict.drops.map(({ code }) => code),
    ['attachment-off', 'unmapped-status'],
  );
});

// Audience and mail

const rows: readonly (readonly [
  string,
  Parameters<typeof inbound>[0],
  'desks' | 'user',
  'visible' | 'hidden',
  boolean,
])[] = [
  [
    'a supplier’s visible note arrives hidden from the end user',
    { actions: [{ from: 'Update', to: 'Public Note' }] },
    'desks',
    'hidden',
    false,
  ],
  [
    'a row that says user shows it',
    { actions: [{ from: 'Update', to: 'Public Note', audience: 'user' }] },
    'desks',
    'visible',
    false,
  ],
  [
    'a row that narrows hides what was for the end user',
    { actions: [{ from: 'Update', to: 'Public Note', audience: 'desks' }] },
    'user',
    'hidden',
    false,
  ],
  [
    'a row that says team hides it',
    { actions: [{ from: 'Update', to: 'Public Note', audience: 'team' }] },
    'user',
    'hidden',
    false,
  ],
  [
    'what was for the end user stays so',
    { actions: [{ from: 'Update', to: 'Public Note' }] },
    'user',
    'visible',
    false,
  ],
  [
    'a kind that hides by itself always hides',
    { actions: [{ from: 'Update', to: 'Internal Update', audience: 'user' }] },
    'user',
    'hidden',
    false,
  ],
  ['the default never widens', { actionDefault: 'Public Note' }, 'desks', 'hidden', false],
  [
    'a kind that mails is quiet unless the row says mailsUser',
    { actions: [{ from: 'Update', to: 'Email User' }] },
    'user',
    'visible',
    false,
  ],
  [
    'mailsUser mails the end user and shows them what they were mailed',
    { actions: [{ from: 'Update', to: 'Email User', mailsUser: true }] },
    'desks',
    'visible',
    true,
  ],
  [
    'mailsUser on a kind that does not mail mails nobody',
    { actions: [{ from: 'Update', to: 'Public Note', mailsUser: true }] },
    'desks',
    'visible',
    false,
  ],
  [
    'mailsUser does not reach whom the row keeps it from',
    { actions: [{ from: 'Update', to: 'Email User', mailsUser: true, audience: 'desks' }] },
    'user',
    'hidden',
    false,
  ],
];

for (const [name, settings, audience, visibility, mailsUser] of rows) {
  test(name, () => {
    const command = commandOf({ inbound: inbound(settings), outgoing: outgoing({ action: action({ audience }) }) });
    assert.deepEqual([command.visibility, command.mailsUser], [visibility, mailsUser]);
  });
}

test('what was mailed at its own desk is not mailed again: the note goes, with the reason', () => {
  const verdict = verdictOf({ inbound: mails, outgoing: outgoing({ mailed: true }) });
  assert.ok(verdict.kind === 'apply');
  assert.equal(verdict.command.mailsUser, false);
  assert.equal(verdict.command.note, '<p>Hello</p>');
  assert.deepEqual(
    verdict.drops.map(({ code }) => code),
    ['mail-on-mail'],
  );
});

test('at the supplier what is for the agents shows, and team in a row keeps it to its own', () => {
  assert.equal(commandOf(atNorthwind).visibility, 'visible');
  const hidden = inbound({ actions: [{ from: 'Note to supplier', to: 'Client Note', audience: 'team' }] });
  assert.equal(commandOf({ ...atNorthwind, inbound: hidden }).visibility, 'hidden');
});

// Opening

test('an escalation opens a ticket in the account, with the escalating agent as requester and the far ticket’s reference', () => {
  const verdict = decide(openingInput());
  assert.ok(verdict.kind === 'apply');
  assert.equal(verdict.command.ticketId, null);
  assert.deepEqual(verdict.command.open, {
    summary: 'VPN drops every hour',
    account: 'Acme',
    site: 'Head office',
    team: 'Second line',
    requester: { name: 'Dana Reyes', email: 'dana@acme.example' },
    farNumber: '#7',
    farUrl: 'https://acme.example/7',
  });
  assert.equal(verdict.command.visibility, 'visible');
  assert.equal(verdict.command.mailsUser, false);
});

test('an escalation needs no mapping of its action', () => {
  const verdict = decide(openingInput({ inbound: inbound() }));
  assert.ok(verdict.kind === 'apply');
  assert.equal(verdict.command.kind, null);
});

function openedBy(author: Parameters<typeof action>[0], part: Partial<DecideInput> = {}) {
  const base = openingInput();
  const verdict = decide({
    ...base,
    outgoing: { ...base.outgoing, action: { ...base.outgoing.action, ...author } },
    ...part,
  });
  assert.ok(verdict.kind === 'apply');
  return verdict.command;
}

test('where no agent escalated, the account’s stand-in asks, else the sending desk', () => {
  const author = { name: 'Rule 7', role: 'automation' } as const;
  assert.deepEqual(openedBy({ author }).open?.requester, { name: 'desk@acme.example', email: 'desk@acme.example' });
  assert.deepEqual(openedBy({ author }, { account: { name: 'Acme', standIn: 'Service Desk' } }).open?.requester, {
    name: 'Service Desk',
  });
  assert.deepEqual(openedBy({ author }, { account: { name: 'Acme' } }).open?.requester, { name: 'Acme IT' });
  assert.equal(openedBy({ author: { name: 'Priya', role: 'user' } }).open?.requester.email, 'desk@acme.example');
});

test('a ticket without a summary is called after the far ticket, and mail tags in a summary are inert', () => {
  const base = openingInput().outgoing;
  const { summary: _, ...without } = base;
  assert.equal(openedBy({}, { outgoing: without }).open?.summary, 'Acme IT #7');
  assert.equal(
    openedBy({}, { outgoing: { ...base, summary: 'Re: [rt.local #12]\nVPN' } }).open?.summary,
    'Re: (rt.local #12) VPN',
  );
});

const opened: readonly (readonly [string, Parameters<typeof inbound>[0], string | undefined])[] = [
  [
    'by the map',
    { statuses: [{ from: 'with supplier', to: 'in progress' }], statusDefault: 'Awaiting client' },
    'In progress',
  ],
  ['by the default where the map says nothing', { statusDefault: 'Awaiting client' }, 'Awaiting client'],
  ['by the desk itself where the default says so', {}, undefined],
];
for (const [name, settings, status] of opened) {
  test(`the status of an opened ticket is set ${name}`, () => {
    assert.equal(openedBy({}, { inbound: inbound(settings) }).status, status);
  });
}

test('the ticket type is mapped, else the default, else the desk’s own', () => {
  const type = (settings: Parameters<typeof inbound>[0]) => openedBy({}, { inbound: inbound(settings) }).open?.type;
  assert.equal(
    type({ ticketTypes: [{ from: 'incident', to: 'managed incident' }], ticketTypeDefault: 'Customer Task' }),
    'Managed Incident',
  );
  assert.equal(type({ ticketTypeDefault: 'Customer Task' }), 'Customer Task');
  assert.equal(type({}), undefined);
  assert.equal(type({ ticketTypeDefault: 'Vanished' }), undefined);
});

test('a shadow escalation opens nothing', () => {
  assert.equal(short(decide(openingInput({ linkMode: 'shadow' }))), 'skip(shadow)');
});

// The present values

test('an action with nothing to change and nothing to say gives no command', () => {
  const bare = outgoing({ action: action({ note: null }) });
  assert.equal(short(verdictOf({ outgoing: bare })), 'skip(no-op)');
});

test('a note is always something to say, even when the same text was written before', () => {
  assert.equal(short(verdictOf()), 'apply');
});

test('an action is applied again at another time: decide keeps nothing', () => {
  const input = decideInput();
  assert.deepEqual(decide(input), decide(input));
  assert.equal(short(decide({ ...input, now })), 'apply');
});

test('what is carried once more quietly mails nobody, however late it is, and says that it did not', () => {
  const late = { inbound: mails, outgoing: outgoing({ action: action({ at: minutesBefore(600) }) }) };
  assert.equal(short(verdictOf(late)), 'hold(late-mail)');
  const verdict = verdictOf({ ...late, quiet: true });
  assert.ok(verdict.kind === 'apply');
  assert.equal(verdict.command.mailsUser, false);
  assert.equal(verdict.command.kind, 'Email User', 'the note goes as it was mapped');
  assert.deepEqual(
    verdict.drops.map(({ code }) => code),
    ['replayed-quietly'],
  );
  assert.equal(commandOf({ inbound: mails, quiet: false }).mailsUser, true);
  const mailed = verdictOf({ inbound: mails, quiet: true, outgoing: { ...outgoing(), mailed: true } });
  assert.ok(mailed.kind === 'apply');
  assert.deepEqual(
    mailed.drops.map(({ code }) => code),
    ['mail-on-mail'],
    'of two reasons the one that holds by itself',
  );
});
