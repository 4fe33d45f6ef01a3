// What would become of real actions, by the code that carries, over a real database.
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { createWouldOf } from '#activities/exchange/would.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { ObservedAction } from '#core/words/desk.ts';
import type { TicketSnapshot } from '#core/words/vocabulary.ts';
import { applyLinks } from '#operate/apply/apply.ts';
import type { Actor, PreviewOperator } from '#operate/operator.ts';
import { previewFile, settingsOf } from '#operate/preview/change.ts';
import { previewTicket, type TicketPreview } from '#operate/preview/ticket.ts';
import { ids } from '#test/cli/log.ts';
import { acmeCatalogue, env, goodYaml } from '#test/cli/support.ts';
import { ann, somebody } from '#test/support/operator.ts';
import { createTexts, type Texts } from '#text-worker/texts.ts';
import { assertSame, link, openWorkplace, plantPeerLink, type Workplace } from './workplace.ts';

let place: Workplace;
let texts: Texts;
before(() => {
  texts = createTexts();
});
after(() => texts.close());
beforeEach(async () => {
  place = await openWorkplace();
  // The ticket's file, as a reading would have it.
  const file = { id: 'a', name: 'log.txt', type: 'text/plain', sizeBytes: 12, inline: false, sha256: null };
  await place.db.execute(
    sql`update actions set attachments = ${JSON.stringify([file])}::jsonb where id = ${ids.escalation}`,
  );
});
afterEach(() => place.close());

const unreachable = (): Promise<never> =>
  Promise.reject(new HelpdeskError('retry', 'no-answer', 'The desk was not answered.'));

function previewing(actor: Actor = ann, readTicket: PreviewOperator['readTicket'] = unreachable): PreviewOperator {
  const { db } = place;
  return {
    ...place.as(actor),
    wouldOf: createWouldOf({ db, texts, publicUrl: 'https://ferry.example', of: unreachable }),
    readTicket,
  };
}

const entryOf = ({ entries }: TicketPreview, action: string): TicketPreview['entries'][number] => {
  const found = entries.find((one) => one.action === action);
  assert.ok(found, `no entry for ${action}`);
  return found;
};

test("each action of a mirrored ticket is shown with what the other desk would do, in that desk's words, both ways", async () => {
  const found = await previewTicket(previewing(), { link, ticket: '1001' });
  assert.deepEqual([found.instance, found.ticket, found.mirrored, found.left], ['acme', '1001', true, false]);
  const escalation = entryOf(found, ids.escalation);
  assert.equal(escalation.ended?.outcome, 'applied');
  assert.ok(escalation.would.verdict === 'apply', JSON.stringify(escalation.would));
  const { command } = escalation.would;
  assert.deepEqual(
    [command.open?.account, command.open?.team, command.open?.farNumber, command.ticketId],
    ['Acme', 'Service Desk', '1001', null],
  );
  assert.deepEqual(command.files, [{ name: 'log.txt', sizeBytes: 12 }]);
  const update = entryOf(found, ids.update);
  assert.deepEqual([update.from.instance, update.to.instance, update.to.ticket], ['northwind', 'acme', '1001']);
  assert.equal(update.ended?.reason?.code, 'refused-by-desk', 'how it ended in truth');
  assert.ok(update.would.verdict === 'apply');
  const { kind, visibility, mailsUser, author } = update.would.command;
  assert.deepEqual(
    [kind, visibility, mailsUser, author.display],
    ['Internal Note', 'hidden', false, 'Lena (Northwind)'],
  );
});

test('what has not ended is decided as of now; what has ended, as it was when it was recorded', async () => {
  const found = await previewTicket(previewing(), { link, ticket: 'NW-24018' });
  assert.equal(found.instance, 'northwind', 'its number at the other desk names the same mirror');
  const mail = entryOf(found, ids.mail);
  assert.equal(mail.ended, null);
  assert.ok(mail.would.verdict === 'hold' && mail.would.reason.code === 'late-mail', JSON.stringify(mail.would));
  await place.db.execute(
    sql`update mirrors set state = 'closed', close_reason = 'done', closed_at = '2026-03-02T00:00:00Z'`,
  );
  const later = await previewTicket(previewing(), { link, ticket: '1001' });
  assert.equal(entryOf(later, ids.update).would.verdict, 'apply');
  assert.equal(entryOf(later, ids.escalation).would.verdict, 'apply');
});

test('in shadow mode it says what would be done', async () => {
  const inShadow = goodYaml.replace('mode: live', 'mode: shadow');
  assert.equal((await applyLinks(place.as(), inShadow, place.secrets)).outcome, 'applied');
  const found = await previewTicket(previewing(), { link, ticket: '1001' });
  assert.equal(entryOf(found, ids.update).would.verdict, 'apply');
});

test('nothing is written, and notes are shown only if requested', async () => {
  const start = await place.dump();
  const quiet = JSON.stringify(await previewTicket(previewing(), { link, ticket: '1001' }));
  assert.doesNotMatch(quiet, /planted note/);
  const loud = JSON.stringify(await previewTicket(previewing(), { link, ticket: '1001', notes: true }));
  assert.match(loud, /planted note of Lena/);
  await previewFile(previewing(), changedFile, place.secrets);
  assertSame(await place.dump(), start);
});

const changedFile = goodYaml.replace(
  '- { from: Update, to: Internal Note }',
  '- { from: Update, to: Internal Note, status: With supplier }',
);
const changedProfile = goodYaml.replace('actions: [Update, Indirect email]', 'actions: [Indirect email]');

test('of a changed file it is said which of the last actions would end otherwise, before and after', async () => {
  const { result, links } = await previewFile(previewing(), changedFile, place.secrets);
  assert.equal(result.outcome, 'dry-run');
  const [only, ...more] = links;
  assert.deepEqual([only?.link, more], [link, []]);
  assert.deepEqual([only?.looked, only?.expired], [3, 0]);
  assert.deepEqual(
    only?.otherwise.map(({ action }) => action),
    [ids.update],
  );
  const [{ before: was, after: is } = { before: null, after: null }] = only?.otherwise ?? [];
  assert.ok(was?.verdict === 'apply' && is?.verdict === 'apply');
  assert.deepEqual([was.command.status, is.command.status], [undefined, 'With supplier']);
});

test('a file that changes nothing changes no outcome, and the faults of a wrong one are listed', async () => {
  assert.deepEqual((await previewFile(previewing(), goodYaml, place.secrets)).links, []);
  const wrong = await previewFile(previewing(), goodYaml.replace('to: Resolved }', 'to: Nowhere }'), place.secrets);
  assert.equal(wrong.result.outcome, 'wrong');
  assert.deepEqual(wrong.links, []);
});

test('a changed profile is previewed on every link that extends it, also on those that the file does not name', async () => {
  await addBluebird();
  const profileOnly = `profiles:${changedProfile.split('profiles:')[1]?.split('links:')[0] ?? ''}`;
  const { result, links } = await previewFile(previewing(), profileOnly, place.secrets);
  assert.equal(result.outcome, 'dry-run', JSON.stringify(result));
  assert.deepEqual(
    links.map(({ link: id, otherwise }) => [id, otherwise.map(({ action }) => action)]),
    [
      [link, [ids.update]],
      ['bluebird-northwind', [bluebird.update]],
    ],
  );
  const [first] = links[1]?.otherwise ?? [];
  assert.ok(first?.after.verdict === 'skip' && first.after.reason.code === 'not-sent', JSON.stringify(first));
  const narrowed = await previewFile(previewing(), profileOnly, place.secrets, { link: 'bluebird-northwind', last: 1 });
  assert.deepEqual(
    narrowed.links.map(({ link: id, looked }) => [id, looked]),
    [['bluebird-northwind', 1]],
  );
});

test('what a helpdesk offers otherwise by now is previewed as well, where a file is applied with it', async () => {
  const operator = previewing();
  const kinds = acmeCatalogue.kinds.filter(({ name }) => name !== 'Email User');
  const helpdesks: typeof operator.helpdesks = {
    ...operator.helpdesks,
    readCatalogue: (target, signal) =>
      target.id === 'acme'
        ? Promise.resolve({ ...acmeCatalogue, kinds })
        : operator.helpdesks.readCatalogue(target, signal),
  };
  const without = goodYaml.replace(
    '          - { from: Indirect email, to: Email User, audience: user, mailsUser: true }\n',
    '',
  );
  const { links } = await previewFile({ ...operator, helpdesks }, without, place.secrets);
  assert.deepEqual(
    links[0]?.otherwise.map(({ action }) => action),
    [ids.mail],
  );
});

test('a ticket is previewed by a file as well, with what it would be without', async () => {
  const { asIf } = await settingsOf(previewing(), changedFile, place.secrets);
  const found = await previewTicket(previewing(), { link, ticket: '1001', asIf });
  const update = entryOf(found, ids.update);
  assert.ok(update.would.verdict === 'apply' && update.before?.verdict === 'apply');
  assert.deepEqual([update.before.command.status, update.would.command.status], [undefined, 'With supplier']);
  assert.equal(entryOf(found, ids.escalation).before, undefined);
});

test('towards another gateway only kinds, types, sizes and audiences are said', async () => {
  await plantPeerLink(place.db, 'far-link');
  await place.db
    .execute(sql`update settings set settings = jsonb_set(settings, '{outbound,actions}', '["Private note to supplier"]')
    where side = 'far-link/customer'`);
  await place.db.execute(sql`update links set state = 'active' where id = 'far-link'`);
  await plantMirror({ link: 'far-link', customer: ['acme', '1001'], supplier: ['far-peer', '77'], ...far });
  const found = await previewTicket(previewing(), { link: 'far-link', ticket: '1001', notes: true });
  const note = entryOf(found, far.update);
  assert.ok(note.would.verdict === 'leave', JSON.stringify(note.would));
  assert.deepEqual(note.would.shape, {
    ...{ kind: 'Private note to supplier', type: null, audience: 'desks' },
    ...{ noteBytes: Buffer.byteLength('<p>planted words</p>'), files: 0, fileBytes: 0 },
  });
  assert.doesNotMatch(JSON.stringify(found), /planted|Dana/);
});

const snapshot: TicketSnapshot = {
  ...{
    ticketId: '2002',
    number: '2002',
    url: 'https://acme.example/2002',
    summary: 'VPN drops',
    description: '<p>It does.</p>',
  },
  ...{
    status: 'New',
    closed: false,
    category: 'Network>VPN',
    type: 'Incident',
    priority: 'High',
    fields: {},
    account: null,
  },
  requester: { name: 'Uma User', email: 'uma@acme.example', role: 'user' },
};
const acted = (externalId: string, kind: string, more: Partial<ObservedAction> = {}): ObservedAction => ({
  ...{
    externalId,
    at: `2026-03-01T10:0${externalId}:00Z`,
    author: { name: 'Dana', role: 'agent' },
    fingerprint: externalId,
  },
  ...{ visibility: 'hidden', note: `<p>planted ${kind}</p>`, words: { kind, fields: {} }, attachments: [], ...more },
});

test('a ticket that is not mirrored is read from its desk, and shows what would escalate it and what would follow', async () => {
  const actions = [
    acted('1', 'Internal Note'),
    acted('2', 'Escalate to MSP'),
    acted('3', 'Private note to supplier'),
    acted('4', 'Internal Note', { author: { name: 'Ferry', role: 'service' } }),
    acted('5', 'Escalate to MSP'),
  ];
  const read: string[] = [];
  const operator = previewing(ann, (instance, ticket) => {
    read.push(`${instance} ${ticket}`);
    return Promise.resolve({ snapshot, actions });
  });
  const start = await place.dump();
  const found = await previewTicket(operator, { link, ticket: '#2002' });
  assertSame(await place.dump(), start);
  assert.deepEqual(read, ['acme 2002']);
  assert.deepEqual([found.mirrored, found.wouldEscalate], [false, null]);
  assert.deepEqual(
    found.entries.map(({ kind, escalation, would }) => [
      kind,
      escalation,
      would.verdict,
      'reason' in would
        ? would.reason.code
        : would.verdict === 'apply'
          ? (would.command.open?.summary ?? would.command.kind)
          : '',
    ]),
    [
      ['Internal Note', false, 'skip', 'no-mirror'],
      ['Escalate to MSP', true, 'apply', 'VPN drops'],
      ['Private note to supplier', false, 'apply', 'Internal Note'],
      ['Escalate to MSP', true, 'refuse', 'already-escalated'],
    ],
  );
  const [, opening] = found.entries;
  assert.ok(opening?.would.verdict === 'apply');
  assert.equal(opening.would.command.open?.type, 'Managed Incident');
});

test('for a ticket that nothing escalates, the preview names what would', async () => {
  const operator = previewing(ann, () => Promise.resolve({ snapshot, actions: [acted('1', 'Internal Note')] }));
  const found = await previewTicket(operator, { link, ticket: '2002' });
  assert.equal(found.wouldEscalate, 'the action is "Escalate to MSP"');
});

test('what cannot be previewed is refused with the reason, and a person without the right learns that', async () => {
  const start = await place.dump();
  const none: PreviewOperator['readTicket'] = () => Promise.resolve(null);
  const codes: readonly (readonly [() => Promise<unknown>, string])[] = [
    [() => previewTicket(previewing(), { link: 'acme', ticket: '1' }), 'unknown-link'],
    [() => previewTicket(previewing(), { link, ticket: '9' }), 'desk-unreachable'],
    [() => previewTicket(previewing(ann, none), { link, ticket: '9' }), 'unknown-ticket'],
    [() => previewTicket(previewing(ann, none), { link, ticket: '9', side: 'supplier' }), 'unknown-ticket'],
    [() => previewTicket(previewing(somebody('viewer')), { link, ticket: '1001' }), 'not-allowed'],
    [() => previewTicket(previewing(somebody('operator', ['other'])), { link, ticket: '1001' }), 'out-of-reach'],
    [() => previewFile(previewing(somebody('operator')), goodYaml, place.secrets), 'not-allowed'],
    [() => settingsOf(previewing(somebody('operator')), goodYaml, place.secrets), 'not-allowed'],
    [() => previewFile(previewing(), changedFile, place.secrets, { last: 0 }), 'wrong-limit'],
  ];
  for (const [run, code] of codes) await assert.rejects(run, { code });
  assertSame(await place.dump(), start);
});

const bluebird = {
  mirror: '019a0000-0000-7000-8000-0000000000b1',
  update: '019a0000-0000-7000-8000-0000000000b2',
  delivery: '019a0000-0000-7000-8000-0000000000b3',
} as const;
const far = {
  mirror: '019a0000-0000-7000-8000-0000000000f1',
  update: '019a0000-0000-7000-8000-0000000000f2',
  delivery: '019a0000-0000-7000-8000-0000000000f3',
} as const;

type Planted = {
  readonly link: string;
  readonly customer: readonly [instance: string, ticket: string];
  readonly supplier: readonly [instance: string, ticket: string];
  readonly mirror: string;
  readonly update: string;
  readonly delivery: string;
  /** Who wrote the action; absent: the customer. */
  readonly by?: 'supplier';
};

/** An open mirror, and one action on it that was carried. */
async function plantMirror({ link: of, customer, supplier, mirror, update, delivery, by }: Planted): Promise<void> {
  const { db } = place;
  const [from, to] = by === 'supplier' ? [supplier, customer] : [customer, supplier];
  const kind = by === 'supplier' ? 'Update' : 'Private note to supplier';
  await db.execute(sql`insert into mirrors (id, link, state, first_instance, first_ticket, second_instance, second_ticket, opened_at)
    values (${mirror}, ${of}, 'open', ${customer[0]}, ${customer[1]}, ${supplier[0]}, ${supplier[1]}, now())`);
  await db.execute(
    sql`insert into lanes (mirror, to_instance, link, last_seq, head_seq) values (${mirror}, ${to[0]}, ${of}, 1, 2)`,
  );
  await db.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, note, words, attachments, hash, via)
    values (${update}, ${from[0]}, ${from[1]}, ${update}, ${from[0]}, '2026-03-01T09:05:00Z', '{"name":"Dana","role":"agent"}', 'desks',
      ${by === 'supplier' ? 'visible' : 'hidden'}, '<p>planted words</p>', ${JSON.stringify({ kind, fields: {} })}::jsonb, '[]', 'h', array[${from[0]}])`);
  await db.execute(sql`insert into deliveries (id, mirror, to_instance, seq, kind, action, outcome, ended_at)
    values (${delivery}, ${mirror}, ${to[0]}, 1, 'action', ${update}, 'applied', now())`);
}

/** A second customer whose supplier's side extends the same profile. */
async function addBluebird(): Promise<void> {
  const yaml = `instances:
  bluebird:
    type: halo
    name: Bluebird
    url: https://bluebird.example
    credentials: { clientId: { env: ACME_ID }, clientSecret: { env: ACME_SECRET } }
links:
${(goodYaml.split('links:\n')[1] ?? '')
  .replace('acme-northwind:', 'bluebird-northwind:')
  .replace('instance: acme', 'instance: bluebird')
  .replace('name: Acme, team', 'name: Bluebird, team')}`;
  const operator = place.as();
  const helpdesks: typeof operator.helpdesks = {
    ...operator.helpdesks,
    readCatalogue: (target, signal) =>
      operator.helpdesks.readCatalogue(target.id === 'bluebird' ? { ...target, id: 'acme' } : target, signal),
  };
  const result = await applyLinks({ ...operator, helpdesks }, yaml, { ...place.secrets, env });
  assert.equal(result.outcome, 'applied', JSON.stringify(result));
  await plantMirror({
    link: 'bluebird-northwind',
    customer: ['bluebird', '5'],
    supplier: ['northwind', '6'],
    ...bluebird,
    by: 'supplier',
  });
}
