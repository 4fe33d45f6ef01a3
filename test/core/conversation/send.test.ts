import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hiddenUserName, send, type Outgoing, type SendInput } from '#core/conversation/send.ts';
import { renderTemplate, unknownPlaceholders } from '#core/text/template.ts';
import { action, file, kind, minutesBefore, outbound, sendInput, short, snapshot, words } from '#test/core/fixtures.ts';

function sent(part: Partial<SendInput> = {}): Outgoing {
  const result = send(sendInput(part));
  assert.equal(result.kind, 'send');
  return result.outgoing;
}

const named = words({ kind: 'Note to supplier' });
const other = words({ kind: 'Internal Note' });
const userReply = action({
  origin: 'acme',
  via: ['acme'],
  audience: 'user',
  author: { name: 'Priya Nair', email: 'priya@acme.example', role: 'user' },
  words: words({ kind: 'User reply' }),
});
const fromSupplier: Partial<SendInput> = {
  side: 'supplier',
  visibility: 'visible',
  senderName: 'Northwind',
  outbound: outbound({ actions: ['Update'] }),
  action: action(),
  snapshot: snapshot({ account: 'Acme' }),
};

const cases: readonly (readonly [string, Partial<SendInput>, string])[] = [
  ['a kind that outbound names leaves', {}, 'send'],
  ['names are compared without regard to case', { outbound: outbound({ actions: ['NOTE TO  supplier'] }) }, 'send'],
  ['nothing leaves that outbound does not name', { action: action({ words: other }) }, 'skip(not-sent)'],
  ['nothing leaves by default', { outbound: outbound() }, 'skip(not-sent)'],
  [
    'an action without a kind does not leave by itself',
    { action: action({ words: words({ kind: null }) }) },
    'skip(not-sent)',
  ],
  ['the choice of nobody keeps what is named', { action: action({ words: named, sendTo: 'none' }) }, 'skip(not-sent)'],
  [
    'the choice of the supplier sends what is not named',
    { action: action({ words: other, sendTo: 'supplier' }) },
    'send',
  ],
  [
    'the choice of the customer does not send to the supplier',
    { action: action({ words: named, sendTo: 'customer' }) },
    'skip(not-sent)',
  ],
  [
    'at the supplier the choice of the customer sends',
    { ...fromSupplier, action: action({ words: other, sendTo: 'customer' }) },
    'send',
  ],
  [
    'at the supplier the choice of the supplier does not',
    { ...fromSupplier, action: action({ sendTo: 'supplier' }) },
    'skip(not-sent)',
  ],
  [
    'an end user’s own reply leaves by default',
    { action: userReply, visibility: 'visible', outbound: outbound() },
    'send',
  ],
  [
    'an end user’s own reply stays with userReplies off, even when agents’ replies of that kind are named',
    { action: userReply, visibility: 'visible', outbound: outbound({ userReplies: false, actions: ['User reply'] }) },
    'skip(user-reply-off)',
  ],
  [
    'an escalation needs no naming',
    { escalation: true, outbound: outbound(), action: action({ words: other }) },
    'send',
  ],
  [
    'an escalation leaves although its kind says to send to nobody',
    { escalation: true, action: action({ sendTo: 'none' }) },
    'send',
  ],
  ['what is relayed was decided already', { relayed: true, action: action({ words: other }) }, 'send'],
  [
    'a supplier’s hidden note stays with its team although its kind is named',
    { ...fromSupplier, visibility: 'hidden' },
    'skip(hidden)',
  ],
  ['a note for the team never leaves', { action: action({ words: named, audience: 'team' }) }, 'skip(team-only)'],
  [
    'a note whose visibility nobody knows never leaves',
    { visibility: 'unknown', action: action({ words: named, audience: 'team' }) },
    'skip(team-only)',
  ],
  ['a team’s note is not relayed either', { relayed: true, action: action({ audience: 'team' }) }, 'skip(team-only)'],
  [
    'a bare change of status leaves though nobody knows who sees it: audience is of a note',
    {
      visibility: 'unknown',
      action: action({ words: words({ kind: 'Note to supplier', status: 'New' }), audience: 'team', note: null }),
    },
    'send',
  ],
  [
    'a bare change that the supplier hides stays',
    { ...fromSupplier, visibility: 'hidden', action: action({ audience: 'team', note: null }) },
    'skip(hidden)',
  ],
  [
    'from a ticket that moved to another account nothing goes out',
    { ...fromSupplier, account: { name: 'Acme' }, snapshot: snapshot({ account: 'Contoso' }) },
    'hold(wrong-account)',
  ],
  ['the account is compared without regard to case', { ...fromSupplier, account: { name: 'ACME' } }, 'send'],
  [
    'the customer’s own account says nothing about the link',
    { account: { name: 'Northwind MSP' }, snapshot: snapshot({ account: 'HQ' }) },
    'send',
  ],
];

for (const [name, part, expected] of cases) {
  test(name, () => {
    assert.equal(short(send(sendInput(part))), expected);
  });
}

test('the note leaves whole and unchanged, with the constant part untouched', () => {
  const input = sendInput();
  assert.deepEqual(sent().action, input.action);
});

test('with attachments off the files stay, each with its reason, and the note still goes', () => {
  const note = '<p>See <img src="cid:f2" alt="shot" /></p>';
  const result = sent({
    outbound: outbound({ actions: ['Note to supplier'], attachments: false }),
    action: action({ words: named, note, attachments: [file(), file({ id: 'f2', name: 'shot.png', inline: true })] }),
  });
  assert.deepEqual(result.action.attachments, []);
  assert.equal(result.action.note, '<p>See <span>[image: shot]</span></p>');
  assert.deepEqual(
    result.drops.map(({ code }) => code),
    ['attachment-off', 'attachment-off'],
  );
  assert.match(result.drops[1]?.text ?? '', /shot\.png/);
});

const mail =
  '<p>It works.</p><div>On Mon, 1 Jan 2026, Ann &lt;ann@x.example&gt; wrote:</div><blockquote><p>Try again.</p></blockquote>';

test('quoted mail is dropped with a reason, folded into a quotation, or kept, as outbound says', () => {
  const with_ = (quoted: 'drop' | 'fold' | 'keep') =>
    sent({
      outbound: outbound({ actions: ['Note to supplier'], quoted }),
      action: action({ words: named, note: mail }),
    });
  assert.equal(with_('drop').action.note, '<p>It works.</p>');
  assert.deepEqual(
    with_('drop').drops.map(({ code }) => code),
    ['quoted-dropped'],
  );
  assert.match(with_('fold').action.note ?? '', /^<p>It works\.<\/p><blockquote>.*Try again/);
  assert.deepEqual(with_('fold').drops, []);
  assert.equal(with_('keep').action.note, mail);
});

test('what is relayed keeps its constant part whole, quoted mail and all', () => {
  const relayed = action({ note: mail });
  assert.deepEqual(sent({ relayed: true, action: relayed, outbound: outbound({ quoted: 'drop' }) }).action, relayed);
});

test('an end user’s reply shows them only as far as requester discloses', () => {
  const by = (requester: 'hidden' | 'name' | 'name+email') =>
    sent({ action: userReply, visibility: 'visible', outbound: outbound({ requester }) }).action.author;
  assert.deepEqual(by('hidden'), { name: hiddenUserName, role: 'user' });
  assert.deepEqual(by('name'), { name: 'Priya Nair', role: 'user' });
  assert.deepEqual(by('name+email'), { name: 'Priya Nair', email: 'priya@acme.example', role: 'user' });
});

test('an agent’s name and e-mail go along, so that the other side can match them', () => {
  assert.deepEqual(sent().action.author, action().author);
});

test('the message says whether the sending desk mailed: as observed, or else by its kind when an agent used it', () => {
  const mailing = kind('Note to supplier', { mails: true });
  assert.equal(sent().mailed, false);
  assert.equal(sent({ catalogueKind: mailing }).mailed, true);
  assert.equal(sent({ catalogueKind: mailing, action: action({ words: named, mailed: false }) }).mailed, false);
  assert.equal(sent({ action: action({ words: named, mailed: true }) }).mailed, true);
  assert.equal(sent({ catalogueKind: mailing, action: userReply, visibility: 'visible' }).mailed, false);
});

const escalating = action({
  origin: 'acme',
  via: ['acme'],
  author: { name: 'Dana Reyes', email: 'dana@acme.example', role: 'agent' },
  words: words({ kind: 'Escalate', status: 'With supplier', fields: { Supplier: 'Northwind' } }),
  note: '<p>Please take over.</p>',
});

test('an escalation takes summary, status, category, type, priority and every field of the ticket along', () => {
  const ticket = snapshot({ status: 'New', fields: { Supplier: null, Asset: 'LT-1' } });
  const result = sent({ escalation: true, action: escalating, snapshot: ticket });
  assert.equal(result.summary, ticket.summary);
  assert.deepEqual(result.action.words, {
    kind: 'Escalate',
    status: 'With supplier',
    category: 'Network>VPN',
    type: 'Incident',
    priority: 'High',
    summary: ticket.summary,
    fields: { Supplier: 'Northwind', Asset: 'LT-1' },
  });
});

test('without a template the escalation’s note is the agent’s, then the description', () => {
  const { note } = sent({ escalation: true, action: escalating }).action;
  assert.equal(note, '<p>Please take over.</p><p><b>Description</b></p><div><p>It drops.</p></div>');
});

test('a ticket that escalates when it is logged sends its description once, with each picture once', () => {
  const text = '<p>It drops: <img src="cid:p1" /></p>';
  const picture = file({ name: 'vpn.png', id: 'p1', inline: true });
  const created = action({ note: text, audience: 'user', attachments: [picture] });
  const { action: told } = sent({
    escalation: true,
    action: created,
    snapshot: snapshot({ description: text }),
    threadAttachments: [{ ...picture, name: 'image-p1' }],
  });
  assert.equal(told.note, text);
  assert.deepEqual(told.attachments, [picture]);
});

test('the description stays at home where includes says so', () => {
  const settings = outbound({ includes: { description: false } });
  assert.equal(
    sent({ escalation: true, action: escalating, outbound: settings }).action.note,
    '<p>Please take over.</p>',
  );
});

test('the public thread goes along only where includes says so', () => {
  const publicThread = [{ author: 'Dana Reyes', at: minutesBefore(60), html: '<p>Rebooted.</p>' }];
  const on = outbound({ includes: { publicThread: true } });
  assert.match(
    sent({ escalation: true, action: escalating, publicThread, outbound: on }).action.note ?? '',
    /Dana Reyes.*Rebooted/,
  );
  assert.doesNotMatch(sent({ escalation: true, action: escalating, publicThread }).action.note ?? '', /Rebooted/);
});

test('the end user’s name in the public thread is hidden with the requester', () => {
  const publicThread = [{ author: 'Priya Nair', at: minutesBefore(60), html: '<p>Help.</p>' }];
  const note = (requester: 'hidden' | 'name') =>
    sent({
      escalation: true,
      action: escalating,
      publicThread,
      outbound: outbound({ requester, includes: { publicThread: true } }),
    }).action.note ?? '';
  assert.doesNotMatch(note('hidden'), /Priya/);
  assert.match(note('name'), /Priya/);
});

test('the requester is disclosed as far as outbound says, in the opening and in the note', () => {
  const by = (requester: 'hidden' | 'name' | 'name+email') =>
    sent({ escalation: true, action: escalating, outbound: outbound({ requester }) });
  assert.equal(by('hidden').requester, undefined);
  assert.doesNotMatch(JSON.stringify(by('hidden')), /Priya|priya@/);
  assert.deepEqual(by('name').requester, { name: 'Priya Nair' });
  assert.doesNotMatch(JSON.stringify(by('name')), /priya@/);
  assert.deepEqual(by('name+email').requester, { name: 'Priya Nair', email: 'priya@acme.example' });
  assert.match(by('name+email').action.note ?? '', /Priya Nair &lt;priya@acme\.example&gt;/);
});

test('the template of the kind wins over the one for all', () => {
  const templates = [
    { kind: '*', template: 'for all' },
    { kind: 'escalate', template: 'Ticket {{number}} by {{agent}}: {{ note }}' },
  ];
  const by = (kindName: string) =>
    sent({
      escalation: true,
      outbound: outbound({ templates }),
      action: { ...escalating, words: words({ kind: kindName }) },
    }).action.note;
  assert.equal(by('Escalate'), '<p>Ticket #7 by Dana Reyes: </p><p>Please take over.</p>');
  assert.equal(by('Log to supplier'), '<p>for all</p>');
});

test('an escalation without a note, by a field, carries what the template says and is for the agents', () => {
  const silent = { ...escalating, note: null, audience: 'team' as const };
  const result = sent({ escalation: true, action: silent, visibility: 'unknown' });
  assert.match(result.action.note ?? '', /It drops/);
  assert.equal(result.action.audience, 'desks');
});

test('an escalation with nothing to say has no note', () => {
  const result = sent({
    escalation: true,
    action: { ...escalating, note: null },
    snapshot: snapshot({ description: '' }),
  });
  assert.equal(result.action.note, null);
});

test('an escalation’s own note for the team stays at home, with its files, and the ticket still opens', () => {
  const secret = { ...escalating, audience: 'team' as const, attachments: [file()] };
  const result = sent({ escalation: true, action: secret });
  assert.doesNotMatch(result.action.note ?? '', /take over/);
  assert.deepEqual(result.action.attachments, []);
  assert.deepEqual(
    result.drops.map(({ code }) => code),
    ['team-only'],
  );
});

test('pictures of the description go along with the escalation, or become placeholders with attachments off', () => {
  const ticket = snapshot({ description: '<p><img src="cid:p1" /></p>' });
  const threadAttachments = [file({ id: 'p1', name: 'shot.png', inline: true })];
  const on = sent({ escalation: true, action: escalating, snapshot: ticket, threadAttachments });
  assert.deepEqual(on.action.attachments, threadAttachments);
  assert.match(on.action.note ?? '', /cid:p1/);
  const off = sent({
    escalation: true,
    action: escalating,
    snapshot: ticket,
    threadAttachments,
    outbound: outbound({ attachments: false }),
  });
  assert.deepEqual(off.action.attachments, []);
  assert.doesNotMatch(off.action.note ?? '', /cid:/);
  assert.deepEqual(
    off.drops.map(({ code }) => code),
    ['attachment-off'],
  );
});

const values = {
  note: '<p>n</p>',
  description: '',
  thread: [],
  summary: 's',
  number: '#1',
  url: 'u',
  agent: 'a',
  requester: '',
};

test('what a value contains is never taken for a placeholder, nor for markup', () => {
  const { html } = renderTemplate('{{summary}} {{note}}', {
    ...values,
    summary: '{{note}} <b>x</b><script>y</script>',
  });
  assert.equal(html, '<p>{{note}} &lt;b&gt;x&lt;/b&gt;&lt;script&gt;y&lt;/script&gt; </p><p>n</p>');
});

test('an HTML template is used as written, and made safe', () => {
  const { html } = renderTemplate('<h2 onclick="x()">{{summary}}</h2><script>1</script>{{note}}', values);
  assert.equal(html, '<h2>s</h2><p>n</p>');
});

test('unknown placeholders stay readable and are reported by lint', () => {
  assert.equal(renderTemplate('{{nope}}', values).html, '<p>{{nope}}</p>');
  assert.deepEqual(unknownPlaceholders('{{nope}} {{ Note }} {{summary}}'), ['nope']);
});

test('what would make the note too long is left out with its reason, thread first, never cut', () => {
  const long = 'x'.repeat(200 * 1024);
  const thread = [{ author: 'a', at: minutesBefore(1), html: `<p>${long}</p>` }];
  const one = renderTemplate(null, { ...values, description: `<p>${long}</p>`, thread });
  assert.deepEqual(
    one.drops.map(({ text }) => text.split(' is ')[0]),
    ['The public thread'],
  );
  assert.match(one.html, /xxx/);
  const two = renderTemplate(null, { ...values, note: `<p>${long}</p>`, description: `<p>${long}</p>`, thread });
  assert.deepEqual(
    two.drops.map(({ text }) => text.split(' is ')[0]),
    ['The public thread', 'The description'],
  );
});
