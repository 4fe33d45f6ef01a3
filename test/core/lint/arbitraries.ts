// Settings and catalogues of few names, so that they often meet, and some that hurt.
import fc from 'fast-check';
import type { LintInput } from '#core/lint/lint.ts';
import type { Condition, SideSettings } from '#core/rules/settings.ts';
import { audiences, fieldTypes, sideNames, type Catalogue } from '#core/words/vocabulary.ts';

const name = fc.constantFrom(
  'a',
  'A',
  ' a',
  'b',
  'c',
  '',
  '__proto__',
  'constructor',
  'summary',
  'Status',
  '\0',
  '\ud800',
);
const some = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
const names = fc.array(name, { maxLength: 3 });
const sendTo = fc.constantFrom('none', 'supplier', 'customer');

const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3 },
    fc.record({ kind: name }),
    fc.record({ field: name, equals: name }),
    fc.record({ all: fc.array(tie('condition'), { maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('condition'), { maxLength: 3 }) }),
    fc.record({ not: tie('condition') }),
  ),
}));

const rows = fc.array(fc.record({ from: name, to: name }), { maxLength: 4 });

/** As they are once parsed, with names that the schema would refuse: lint does not lean on it. */
const settings = fc.record({
  account: fc.record({ name, site: some(name), team: some(name), standIn: some(name) }),
  inbound: fc.record({
    statuses: rows,
    statusDefault: fc.oneof(name, fc.constant('action/ticket type default')),
    categories: rows,
    priorities: rows,
    fields: fc.array(
      fc.record({ from: name, to: name, when: fc.constantFrom('withActions', 'always'), options: rows }),
      { maxLength: 3 },
    ),
    actions: fc.array(
      fc.record(
        { from: name, to: name, audience: fc.constantFrom(...audiences), mailsUser: fc.boolean(), status: name },
        { requiredKeys: ['from', 'to', 'mailsUser'] },
      ),
      { maxLength: 4 },
    ),
    actionDefault: some(name),
    people: rows,
    ticketTypes: rows,
    ticketTypeDefault: some(name),
  }),
  outbound: fc.record({
    actions: names,
    escalates: some(condition),
    templates: fc.array(
      fc.record({ kind: fc.oneof(name, fc.constant('*')), template: fc.constantFrom('{{note}}', '{{', '{{x}}') }),
      { maxLength: 2 },
    ),
    includes: fc.record({ description: fc.boolean(), publicThread: fc.boolean() }),
    attachments: fc.boolean(),
    userReplies: fc.boolean(),
    requester: fc.constantFrom('hidden', 'name', 'name+email'),
    quoted: fc.constantFrom('drop', 'fold', 'keep'),
    relay: fc.constantFrom('none', 'all'),
  }),
}) as fc.Arbitrary<SideSettings>;

const kind = fc.record(
  { name, hidden: fc.boolean(), mails: fc.boolean(), sends: sendTo, status: orNull(name), bare: fc.boolean() },
  { requiredKeys: ['name', 'hidden', 'mails', 'sends', 'status'] },
);
const type = fc.record(
  {
    name,
    kinds: names,
    statuses: names,
    steps: fc.array(fc.record({ name, kinds: names }), { maxLength: 2 }),
    required: names,
    requiredOwn: fc.array(fc.record({ of: fc.constantFrom('category', 'priority', 'team', 'other'), name }), {
      maxLength: 2,
    }),
  },
  { requiredKeys: ['name'] },
);
const automation = fc.record({
  name,
  on: fc.oneof(fc.record({ kind: name }), fc.record({ status: name })),
  does: fc.record({ kind: name, status: name, mailsUser: fc.boolean() }, { requiredKeys: [] }),
});
const catalogue = fc.record(
  {
    statuses: fc.array(fc.record({ name, closed: fc.boolean() }), { maxLength: 4 }),
    categories: names,
    types: fc.array(type, { maxLength: 3 }),
    priorities: names,
    fields: fc.array(
      fc.record(
        { name, type: fc.constantFrom(...fieldTypes), options: names, maxLength: fc.nat(10) },
        { requiredKeys: ['name', 'type'] },
      ),
      { maxLength: 4 },
    ),
    kinds: fc.array(kind, { maxLength: 4 }),
    accounts: names,
    teams: names,
    automations: fc.array(automation, { maxLength: 4 }),
    files: fc.record({ taken: fc.boolean(), maxBytes: fc.nat(10) }, { requiredKeys: ['taken'] }),
    syncing: names,
  },
  {
    requiredKeys: ['statuses', 'categories', 'types', 'priorities', 'fields', 'kinds', 'accounts', 'teams'],
  },
) as fc.Arbitrary<Catalogue>;

export const anyLink: fc.Arbitrary<LintInput> = fc.record({
  customer: settings,
  supplier: settings,
  customerCatalogue: orNull(catalogue),
  supplierCatalogue: orNull(catalogue),
  names: fc.constant({ customer: 'Acme', supplier: 'Northwind' }),
  remote: some(fc.constantFrom(...sideNames)),
});
