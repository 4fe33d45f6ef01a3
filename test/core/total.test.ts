import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { audienceOf, isWider } from '#core/rules/audience.ts';
import { decide } from '#core/conversation/decide.ts';
import type { DecideInput } from '#core/conversation/decide-input.ts';
import { closeReasons, mirrorStates, type MirrorView } from '#core/words/mirror.ts';
import { findRow } from '#core/words/names.ts';
import { isReasonCode } from '#core/words/reasons.ts';
import { route, type RouteInput } from '#core/log/route.ts';
import { send, type SendInput } from '#core/conversation/send.ts';
import type { Condition, Inbound, Outbound } from '#core/rules/settings.ts';
import {
  audiences,
  fieldTypes,
  linkModes,
  sideNames,
  type Action,
  type Catalogue,
  type Command,
  type FieldValue,
  type Reason,
  type TicketSnapshot,
} from '#core/words/vocabulary.ts';
import { daysBefore, inbound, minutesBefore, now, outbound } from './fixtures.ts';

/** Few names, so that they often coincide, and some that are awkward. */
const name = fc.constantFrom(
  'a',
  'A',
  'b',
  'c ',
  '',
  '__proto__',
  'constructor',
  'summary',
  'Status',
  'x\0y',
  '\ud800',
  '[#1]',
);
const some = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
const instant = fc.constantFrom(now, minutesBefore(5), minutesBefore(300), daysBefore(1), daysBefore(31), 'never', '');
const instance = fc.constantFrom('acme', 'northwind', 'globex', '');
const html = orNull(
  fc.constantFrom(
    '',
    '<p>x</p>',
    '<img src=x onerror=alert(1)>',
    '<svg><script>',
    'On 1 Jan, A wrote:<blockquote>q</blockquote>',
    '\0<',
    '<img src="cid:f1">',
  ),
);
const value: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.constantFrom<FieldValue>(null, '', 'a', 'b', true, 3, Number.NaN, '2026-01-01', now, '7'),
  fc.array(name, { maxLength: 3 }),
);
const fields = fc.dictionary(name, value, { maxKeys: 4 });

const person = fc.record(
  { name, email: name, role: fc.constantFrom('agent', 'user', 'service', 'automation') },
  { requiredKeys: ['name', 'role'] },
);
const words = fc.record(
  {
    kind: orNull(name),
    status: name,
    category: orNull(name),
    type: orNull(name),
    priority: orNull(name),
    summary: name,
    fields,
  },
  { requiredKeys: ['kind', 'fields'] },
);
const attachment = fc.record({
  id: fc.constantFrom('f1', 'f2'),
  name,
  type: orNull(name),
  sizeBytes: orNull(fc.nat()),
  inline: fc.boolean(),
  sha256: orNull(name),
});
const sendTo = fc.constantFrom('none', 'supplier', 'customer');
const visibility = fc.constantFrom('visible', 'hidden', 'unknown');

const action = fc.record(
  {
    id: name,
    origin: instance,
    author: person,
    at: instant,
    audience: fc.constantFrom(...audiences),
    note: html,
    attachments: fc.array(attachment, { maxLength: 2 }),
    words,
    via: fc.array(instance, { maxLength: 3 }),
    sendTo,
    automated: fc.boolean(),
    mailed: fc.boolean(),
  },
  { requiredKeys: ['id', 'origin', 'author', 'at', 'audience', 'note', 'attachments', 'words', 'via'] },
) as fc.Arbitrary<Action>;

const end = fc.record({ instance, name, ticketId: name, number: name, url: name });
const mirror = fc.record({
  id: fc.constantFrom('m1', 'm2', '__proto__'),
  link: fc.constantFrom('l1', 'l2'),
  state: fc.constantFrom(...mirrorStates),
  closeReason: orNull(fc.constantFrom(...closeReasons)),
  closedAt: orNull(instant),
  mode: fc.constantFrom(...linkModes),
  superseded: fc.boolean(),
  paused: fc.boolean(),
  side: fc.constantFrom(...sideNames),
  customer: end,
  supplier: fc.record({ instance, name, ticketId: orNull(name), number: orNull(name), url: orNull(name) }),
}) as fc.Arbitrary<MirrorView>;

const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3 },
    fc.record({ kind: name }),
    fc.record({ field: name, equals: name }),
    fc.record({ all: fc.array(tie('condition'), { maxLength: 2 }) }),
    fc.record({ any: fc.array(tie('condition'), { maxLength: 2 }) }),
    fc.record({ not: tie('condition') }),
  ),
}));

const row = fc.record({ from: name, to: name });
const rows = fc.array(row, { maxLength: 3 });
const actionRow = fc.record(
  { from: name, to: name, audience: fc.constantFrom(...audiences), mailsUser: fc.boolean(), status: name },
  { requiredKeys: ['from', 'to', 'mailsUser'] },
);
/** Shaped as settings are once parsed, with names that the schema would refuse: totality does not lean on it. */
const inboundSettings = fc
  .record({
    statuses: rows,
    statusDefault: name,
    categories: rows,
    priorities: rows,
    fields: fc.array(
      fc.record({ from: name, to: name, when: fc.constantFrom('withActions', 'always'), options: rows }),
      { maxLength: 3 },
    ),
    actions: fc.array(actionRow, { maxLength: 3 }),
    actionDefault: some(name),
    people: rows,
    ticketTypes: rows,
    ticketTypeDefault: some(name),
  })
  .map((part) => ({ ...inbound(), ...part }) as Inbound);
const outboundSettings = fc
  .record({
    actions: fc.array(name, { maxLength: 3 }),
    escalates: some(condition),
    templates: fc.array(
      fc.record({ kind: fc.constantFrom('a', '*'), template: fc.constantFrom('{{note}}', '<b>{{thread}}{{x}}', '{{') }),
      { maxLength: 2 },
    ),
    includes: fc.record({ description: fc.boolean(), publicThread: fc.boolean() }),
    attachments: fc.boolean(),
    userReplies: fc.boolean(),
    requester: fc.constantFrom('hidden', 'name', 'name+email'),
    quoted: fc.constantFrom('drop', 'fold', 'keep'),
  })
  .map((part) => ({ ...outbound(), ...part }) as Outbound);

const catalogueKind = fc.record({
  name,
  hidden: fc.boolean(),
  mails: fc.boolean(),
  sends: sendTo,
  status: orNull(name),
});
const catalogue = fc.record({
  statuses: fc.array(fc.record({ name, closed: fc.boolean() }), { maxLength: 3 }),
  categories: fc.array(name, { maxLength: 3 }),
  types: fc.array(fc.record({ name }), { maxLength: 3 }),
  priorities: fc.array(name, { maxLength: 3 }),
  fields: fc.array(
    fc.record(
      { name, type: fc.constantFrom(...fieldTypes), options: fc.array(name, { maxLength: 3 }) },
      { requiredKeys: ['name', 'type'] },
    ),
    { maxLength: 4 },
  ),
  kinds: fc.array(catalogueKind, { maxLength: 4 }),
  accounts: fc.array(name, { maxLength: 2 }),
  teams: fc.array(name, { maxLength: 2 }),
}) as fc.Arbitrary<Catalogue>;

const snapshot = fc.record({
  ticketId: name,
  number: name,
  url: name,
  summary: name,
  description: fc.constantFrom('', '<p>d</p>', '<script>'),
  status: name,
  closed: fc.boolean(),
  category: orNull(name),
  type: orNull(name),
  priority: orNull(name),
  fields,
  account: orNull(name),
  requester: orNull(person),
}) as fc.Arbitrary<TicketSnapshot>;

const routeInputs = fc.record({
  action: fc.record({ words, sendTo: some(sendTo), visibility, author: person, automated: some(fc.boolean()) }),
  instance,
  mirrors: fc.array(mirror, { maxLength: 4 }),
  openings: fc.array(
    fc.record({
      link: fc.constantFrom('l1', 'l2'),
      linkName: name,
      supplierInstance: instance,
      outbound: outboundSettings,
      mode: fc.constantFrom(...linkModes),
    }),
    { maxLength: 2 },
  ),
  outboundOf: fc.dictionary(fc.constantFrom('m1', 'm2'), outboundSettings),
  now: instant,
}) as fc.Arbitrary<RouteInput>;

const sendInputs = fc.record(
  {
    action,
    visibility,
    side: fc.constantFrom(...sideNames),
    outbound: outboundSettings,
    snapshot: orNull(snapshot),
    escalation: fc.boolean(),
    catalogueKind,
    senderName: name,
    relayed: fc.boolean(),
    publicThread: fc.array(fc.record({ author: name, at: instant, html: fc.constantFrom('', '<p>t</p>') }), {
      maxLength: 2,
    }),
    threadAttachments: fc.array(attachment, { maxLength: 1 }),
    account: fc.record({ name }),
  },
  { requiredKeys: ['action', 'side', 'outbound', 'snapshot', 'escalation', 'senderName', 'relayed', 'publicThread'] },
) as fc.Arbitrary<SendInput>;

const decideInputs = fc.record(
  {
    outgoing: fc.record(
      { action, summary: name, requester: fc.record({ name }), mailed: fc.boolean(), drops: fc.constant<Reason[]>([]) },
      { requiredKeys: ['action', 'mailed', 'drops'] },
    ),
    escalation: fc.boolean(),
    mirror,
    inbound: inboundSettings,
    account: fc.record({ name, standIn: name }, { requiredKeys: ['name'] }),
    catalogue,
    snapshot: orNull(snapshot),
    senderName: name,
    now: instant,
    committedAt: instant,
    linkMode: fc.constantFrom(...linkModes),
    releasedLate: fc.record({ writtenAt: instant }),
  },
  {
    requiredKeys: [
      'outgoing',
      'escalation',
      'mirror',
      'inbound',
      'account',
      'catalogue',
      'snapshot',
      'senderName',
      'now',
      'linkMode',
    ],
  },
) as fc.Arbitrary<DecideInput>;

/** Most random inputs stop at the first guard; these get as far as being judged. */
const judged = fc.tuple(decideInputs, fc.constantFrom('acme', 'northwind')).map(([input]): DecideInput => ({
  ...input,
  outgoing: { ...input.outgoing, action: { ...input.outgoing.action, origin: 'globex', via: ['globex'] } },
  mirror: {
    ...input.mirror,
    paused: false,
    superseded: false,
    mode: 'live',
    state: input.escalation ? 'opening' : 'open',
    customer: { ...input.mirror.customer, instance: 'acme' },
    supplier: { ...input.mirror.supplier, instance: 'northwind' },
  },
  snapshot: input.snapshot === null ? null : { ...input.snapshot, account: null },
  linkMode: 'live',
}));

function known(reasons: readonly Reason[]): void {
  for (const { code, text } of reasons) {
    assert.ok(isReasonCode(code), code);
    assert.ok(text.length > 10, code);
  }
}

test('route is total: whatever the input, it delivers, opens, or gives a known reason, and never throws', () => {
  fc.assert(
    fc.property(routeInputs, (input) => {
      const result = route(input);
      const ways = [result.deliveries.length > 0, result.opens !== null, result.reason !== null].filter(Boolean);
      assert.equal(ways.length, 1);
      if (result.reason !== null) known([result.reason]);
      const ids = new Set(input.mirrors.map(({ id }) => id));
      for (const delivery of result.deliveries) assert.ok(ids.has(delivery.mirror));
    }),
    { numRuns: 400 },
  );
});

test('route never gives an audience wider than the way the note shows allows, on any of its ways', () => {
  fc.assert(
    fc.property(routeInputs, (input) => {
      const result = route(input);
      for (const delivery of result.deliveries) {
        const side = input.mirrors.find(({ id }) => id === delivery.mirror)?.side ?? 'supplier';
        const widest = input.mirrors.filter(({ id }) => id === delivery.mirror).length > 1 ? 'customer' : side;
        assert.ok(!isWider(result.audience, audienceOf(input.action.visibility, widest, true)));
      }
    }),
    { numRuns: 400 },
  );
});

test('send is total: whatever the input, it is sent or stays with a known reason, and never throws', () => {
  fc.assert(
    fc.property(sendInputs, (input) => {
      const result = send(input);
      if (result.kind === 'send') known(result.outgoing.drops);
      else known([result.reason]);
    }),
    { numRuns: 500 },
  );
});

test('what leaves has content for its team only when it is an escalation, whose own note then stays', () => {
  fc.assert(
    fc.property(sendInputs, (input) => {
      const result = send(input);
      if (result.kind !== 'send' || input.action.audience !== 'team') return;
      if (input.escalation) {
        assert.ok(input.action.note === null || result.outgoing.drops.some(({ code }) => code === 'team-only'));
      } else {
        assert.ok(input.action.note === null && input.action.attachments.length === 0);
      }
    }),
    { numRuns: 500 },
  );
});

test('send never makes the audience of a note wider, escalations that spoke to nobody excepted', () => {
  fc.assert(
    fc.property(sendInputs, (input) => {
      const result = send(input);
      if (result.kind !== 'send') return;
      const silent = input.escalation && input.action.audience === 'team';
      assert.ok(silent || !isWider(result.outgoing.action.audience, input.action.audience));
    }),
    { numRuns: 300 },
  );
});

test('decide is total: whatever the input, it returns a verdict with known reasons, and never throws', () => {
  fc.assert(
    fc.property(fc.oneof(decideInputs, judged), (input) => {
      const verdict = decide(input);
      if (verdict.kind === 'apply') known(verdict.drops);
      else known([verdict.reason]);
    }),
    { numRuns: 400 },
  );
});

function seenByUsers(command: Command, input: DecideInput): boolean {
  return command.note !== null && input.mirror.side === 'customer' && command.visibility === 'visible';
}

test('decide shows and mails an end user only what was for them, or what a row says is', () => {
  fc.assert(
    fc.property(judged, (input) => {
      const verdict = decide(input);
      if (verdict.kind !== 'apply' || input.escalation) return;
      const { command } = verdict;
      const used = findRow(input.inbound.actions, input.outgoing.action.words.kind);
      const widened =
        used !== undefined && (used.audience === 'user' || (used.audience === undefined && used.mailsUser));
      if (seenByUsers(command, input)) assert.ok(input.outgoing.action.audience === 'user' || widened);
      if (command.mailsUser) assert.ok(used?.mailsUser === true && !input.outgoing.mailed);
    }),
    { numRuns: 600 },
  );
});

test('decide never lets a team’s note through, whatever the rows say', () => {
  fc.assert(
    fc.property(judged, (input) => {
      const { action: arrived } = input.outgoing;
      if (input.escalation || arrived.note === null) return;
      const verdict = decide({ ...input, outgoing: { ...input.outgoing, action: { ...arrived, audience: 'team' } } });
      assert.notEqual(verdict.kind, 'apply');
    }),
    { numRuns: 300 },
  );
});

test('decide speaks only words that the receiving desk has', () => {
  fc.assert(
    fc.property(judged, (input) => {
      const verdict = decide(input);
      if (verdict.kind !== 'apply') return;
      const { command } = verdict;
      const { statuses, categories, priorities, kinds, types, fields: catalogueFields } = input.catalogue;
      if (command.status !== undefined) assert.ok(statuses.some((one) => one.name === command.status));
      if (command.kind !== null) assert.ok(kinds.some((one) => one.name === command.kind));
      if (typeof command.category === 'string') assert.ok(categories.includes(command.category));
      if (typeof command.priority === 'string') assert.ok(priorities.includes(command.priority));
      if (command.open?.type !== undefined) assert.ok(types.some((one) => one.name === command.open?.type));
      for (const field of Object.keys(command.fields)) assert.ok(catalogueFields.some((one) => one.name === field));
    }),
    { numRuns: 600 },
  );
});

test('decided again when the value is already set, an action without content gives no command: nothing loops', () => {
  fc.assert(
    fc.property(judged, (input) => {
      const verdict = decide(input);
      if (verdict.kind !== 'apply' || input.escalation || input.snapshot === null) return;
      const { command } = verdict;
      if (command.note !== null || command.attachments.length > 0) return;
      const target = input.catalogue.kinds.find((one) => one.name === command.kind);
      const after: TicketSnapshot = {
        ...input.snapshot,
        status: command.status ?? target?.status ?? input.snapshot.status,
        category: command.category === undefined ? input.snapshot.category : command.category,
        priority: command.priority === undefined ? input.snapshot.priority : command.priority,
        summary: command.summary ?? input.snapshot.summary,
        fields: Object.fromEntries([
          ...Object.entries(command.fields),
          ...Object.entries(input.snapshot.fields).filter(([key]) => !Object.hasOwn(command.fields, key)),
        ]),
      };
      assert.notEqual(decide({ ...input, snapshot: after }).kind, 'apply');
    }),
    { numRuns: 600 },
  );
});

test('no verdict applies at an instance that the action began at or has passed', () => {
  fc.assert(
    fc.property(decideInputs, (input) => {
      const here = input.mirror[input.mirror.side].instance;
      const { origin, via } = input.outgoing.action;
      if (decide(input).kind === 'apply') assert.ok(origin !== '' && origin !== here && !via.includes(here));
    }),
    { numRuns: 400 },
  );
});

test('every note that is applied is safe', () => {
  fc.assert(
    fc.property(judged, (input) => {
      const verdict = decide(input);
      if (verdict.kind === 'apply') assert.doesNotMatch(verdict.command.note ?? '', /<script|<svg|onerror|\0/);
    }),
    { numRuns: 200 },
  );
});
