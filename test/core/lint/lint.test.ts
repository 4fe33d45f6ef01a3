import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintLink, type Finding, type LintInput } from '#core/lint/lint.ts';
import { sideSchema, type SideSettings } from '#core/rules/settings.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';
import type { z } from 'zod';
import { acmeCatalogue, kind, northwindCatalogue } from '#test/core/fixtures.ts';

type Raw = z.input<typeof sideSchema>;

/** The settings of the guide's worked example. */
const customer: Raw = {
  account: { name: 'Northwind MSP' },
  inbound: {
    statuses: [
      { from: 'In progress', to: 'With supplier' },
      { from: 'Done - confirm', to: 'Resolved' },
    ],
    categories: [{ from: 'Connectivity>Remote access', to: 'Network>VPN' }],
    actions: [
      { from: 'Update', to: 'Internal Update' },
      { from: 'Indirect email', to: 'Email User', mailsUser: true },
      { from: 'Resolve third party', to: 'Resolve', mailsUser: true },
    ],
  },
  outbound: { actions: ['Note to supplier', 'Resolve'], escalates: { kind: 'Escalate' } },
};
const supplier: Raw = {
  account: { name: 'Acme', team: 'Second line' },
  inbound: {
    statuses: [{ from: 'With supplier', to: 'In progress' }],
    statusDefault: 'Awaiting client',
    priorities: [{ from: 'High', to: 'P2' }],
    fields: [
      {
        from: 'Scope',
        to: 'Reach',
        options: [
          { from: 'One person', to: 'Single user' },
          { from: 'Everybody', to: 'Whole company' },
        ],
      },
      { from: 'Sites', to: 'Places' },
      { from: 'summary', to: 'summary' },
    ],
    actions: [
      { from: 'Note to supplier', to: 'Client Note' },
      { from: 'Resolve', to: 'Resolve third party' },
    ],
    actionDefault: 'Internal Note',
    ticketTypes: [{ from: 'Incident', to: 'Managed Incident' }],
    ticketTypeDefault: 'Customer Task',
  },
  outbound: { actions: ['Update', 'Indirect email', 'Resolve third party'] },
};

type Change = {
  readonly customer?: Partial<Raw>;
  readonly supplier?: Partial<Raw>;
  readonly customerCatalogue?: Catalogue | null;
  readonly supplierCatalogue?: Catalogue | null;
};

function side(base: Raw, change: Partial<Raw> | undefined): SideSettings {
  return sideSchema.parse({
    account: { ...base.account, ...change?.account },
    inbound: { ...base.inbound, ...change?.inbound },
    outbound: { ...base.outbound, ...change?.outbound },
  });
}

/** Faults: what can't be saved. */
function lint(change: Change = {}): readonly Finding[] {
  const input: LintInput = {
    customer: side(customer, change.customer),
    supplier: side(supplier, change.supplier),
    customerCatalogue: change.customerCatalogue === undefined ? acmeCatalogue : change.customerCatalogue,
    supplierCatalogue: change.supplierCatalogue === undefined ? northwindCatalogue : change.supplierCatalogue,
    names: { customer: 'Acme IT', supplier: 'Northwind' },
  };
  return faultsOf(input);
}

function faultsOf(input: LintInput): readonly Finding[] {
  return lintLink(input).filter(({ severity }) => severity === 'error');
}

function told(faults: readonly Finding[]): string[] {
  return faults.map(({ code, place }) => `${code} ${place.join('.')}`);
}

test('the settings of the worked example have no fault', () => {
  assert.deepEqual(lint(), []);
});

const cases: readonly (readonly [string, Change, string])[] = [
  [
    'a status that the desk does not have',
    { customer: { inbound: { statuses: [{ from: 'In progress', to: 'With suplier' }] } } },
    'unknown-name customer.inbound.statuses.0.to',
  ],
  [
    'a status that the far desk does not have',
    { customer: { inbound: { statuses: [{ from: 'In progres', to: 'New' }] } } },
    'unknown-name customer.inbound.statuses.0.from',
  ],
  [
    'a default status that the desk does not have',
    { supplier: { inbound: { statusDefault: 'Open' } } },
    'unknown-name supplier.inbound.statusDefault',
  ],
  [
    'a category that the desk does not have',
    { customer: { inbound: { categories: [{ from: 'Devices>Endpoint', to: 'Network' }] } } },
    'unknown-name customer.inbound.categories.0.to',
  ],
  [
    'a priority that the desk does not have',
    { supplier: { inbound: { priorities: [{ from: 'Low', to: 'P9' }] } } },
    'unknown-name supplier.inbound.priorities.0.to',
  ],
  [
    'an action that the desk does not have',
    { customer: { inbound: { actions: [{ from: 'Update', to: 'Intern' }] } } },
    'unknown-name customer.inbound.actions.0.to',
  ],
  [
    'an action that the far desk does not have',
    { customer: { inbound: { actions: [{ from: 'Updat', to: 'Internal Update' }] } } },
    'unknown-name customer.inbound.actions.0.from',
  ],
  [
    'a default action that the desk does not have',
    { customer: { inbound: { actionDefault: 'Whatever' } } },
    'unknown-name customer.inbound.actionDefault',
  ],
  [
    'a row’s status that the desk does not have',
    { customer: { inbound: { actions: [{ from: 'Update', to: 'Internal Update', status: 'Nope' }] } } },
    'unknown-name customer.inbound.actions.0.status',
  ],
  [
    'a ticket type that the desk does not have',
    { supplier: { inbound: { ticketTypes: [{ from: 'Incident', to: 'Problem' }] } } },
    'unknown-name supplier.inbound.ticketTypes.0.to',
  ],
  [
    'a default ticket type that the desk does not have',
    { supplier: { inbound: { ticketTypeDefault: 'Problem' } } },
    'unknown-name supplier.inbound.ticketTypeDefault',
  ],
  [
    'a field that the desk does not have',
    { supplier: { inbound: { fields: [{ from: 'Service', to: 'Servis' }] } } },
    'unknown-name supplier.inbound.fields.0.to',
  ],
  [
    'a field that the far desk does not have',
    { supplier: { inbound: { fields: [{ from: 'Servis', to: 'Service name' }] } } },
    'unknown-name supplier.inbound.fields.0.from',
  ],
  [
    'an option that the desk does not have',
    {
      supplier: {
        inbound: {
          fields: [
            {
              from: 'Scope',
              to: 'Reach',
              options: [
                { from: 'One person', to: 'Me' },
                { from: 'Everybody', to: 'Whole company' },
              ],
            },
          ],
        },
      },
    },
    'unknown-name supplier.inbound.fields.0.options.0.to',
  ],
  [
    'an account that the desk does not have',
    { supplier: { account: { name: 'Akme' } } },
    'unknown-name supplier.account.name',
  ],
  [
    'a team that the desk does not have',
    { supplier: { account: { name: 'Acme', team: 'Third line' } } },
    'unknown-name supplier.account.team',
  ],
  [
    'an outbound action that the desk does not have',
    { supplier: { outbound: { actions: ['Upd'] } } },
    'unknown-name supplier.outbound.actions.0',
  ],
  [
    'an escalating action that the desk does not have',
    { customer: { outbound: { escalates: { kind: 'Escalated' } } } },
    'unknown-name customer.outbound.escalates.kind',
  ],
  [
    'an escalating field that the desk does not have',
    { customer: { outbound: { escalates: { any: [{ kind: 'Escalate' }, { field: 'Suplier', equals: 'x' }] } } } },
    'unknown-name customer.outbound.escalates.any.1.field',
  ],
  [
    'an escalating value that is no option',
    { customer: { outbound: { escalates: { field: 'Supplier', equals: 'Globex' } } } },
    'unknown-name customer.outbound.escalates.equals',
  ],
  [
    'an escalating status that the desk does not have',
    { customer: { outbound: { escalates: { field: 'status', equals: 'Nope' } } } },
    'unknown-name customer.outbound.escalates.equals',
  ],
  [
    'a template for an action that the desk does not have',
    { customer: { outbound: { escalates: { kind: 'Escalate' }, templates: [{ kind: 'Esc', template: 'x' }] } } },
    'unknown-name customer.outbound.templates.0.kind',
  ],
  [
    'an unknown placeholder',
    { customer: { outbound: { escalates: { kind: 'Escalate' }, templates: [{ kind: '*', template: '{{nope}}' }] } } },
    'unknown-placeholder customer.outbound.templates.0.template',
  ],
  [
    'two rules for one status',
    {
      supplier: {
        inbound: {
          statuses: [
            { from: 'New', to: 'In progress' },
            { from: 'NEW ', to: 'Awaiting client' },
          ],
        },
      },
    },
    'two-rules supplier.inbound.statuses.1.from',
  ],
  [
    'two rules for one action',
    {
      supplier: {
        inbound: {
          actions: [
            { from: 'Resolve', to: 'Internal Note' },
            { from: 'resolve', to: 'Client Note' },
          ],
        },
      },
    },
    'two-rules supplier.inbound.actions.1.from',
  ],
  [
    'two rules for one option',
    {
      supplier: {
        inbound: {
          fields: [
            {
              from: 'Sites',
              to: 'Places',
              options: [
                { from: 'York', to: 'York' },
                { from: 'York', to: 'Leeds' },
              ],
            },
          ],
        },
      },
    },
    'two-rules supplier.inbound.fields.0.options.1.from',
  ],
  [
    'two rules for one person',
    {
      supplier: {
        inbound: {
          people: [
            { from: 'a@x', to: 'b' },
            { from: 'A@x', to: 'c' },
          ],
        },
      },
    },
    'two-rules supplier.inbound.people.1.from',
  ],
  [
    'two fields onto one',
    {
      supplier: {
        inbound: {
          fields: [
            { from: 'Service', to: 'Service name' },
            { from: 'summary', to: 'Service name' },
          ],
        },
      },
    },
    'two-rules supplier.inbound.fields.1.to',
  ],
  [
    'an action named twice',
    { supplier: { outbound: { actions: ['Update', 'update'] } } },
    'two-rules supplier.outbound.actions.1',
  ],
  [
    'field types that differ',
    { supplier: { inbound: { fields: [{ from: 'Needed by', to: 'Service name' }] } } },
    'field-type-differs supplier.inbound.fields.0.to',
  ],
  [
    'the summary onto a field of another type',
    { supplier: { inbound: { fields: [{ from: 'summary', to: 'Headcount' }] } } },
    'field-type-differs supplier.inbound.fields.0.to',
  ],
  [
    'options that have nowhere to go',
    {
      supplier: {
        inbound: { fields: [{ from: 'Scope', to: 'Reach', options: [{ from: 'One person', to: 'Single user' }] }] },
      },
    },
    'option-unmapped supplier.inbound.fields.0.options',
  ],
  [
    'mail on mail',
    { customer: { inbound: { actions: [{ from: 'Email customer', to: 'Email User', mailsUser: true }] } } },
    'mail-on-mail customer.inbound.actions.0.to',
  ],
  [
    'mailsUser onto an action that does not mail',
    { customer: { inbound: { actions: [{ from: 'Update', to: 'Public Note', mailsUser: true }] } } },
    'cannot-mail customer.inbound.actions.0.mailsUser',
  ],
  [
    'mailing the end user what is kept from them',
    { customer: { inbound: { actions: [{ from: 'Update', to: 'Email User', mailsUser: true, audience: 'desks' }] } } },
    'cannot-mail customer.inbound.actions.0.audience',
  ],
  [
    'showing by an action that hides',
    { customer: { inbound: { actions: [{ from: 'Update', to: 'Internal Update', audience: 'user' }] } } },
    'cannot-show customer.inbound.actions.0.audience',
  ],
  [
    'a target that is marked as sent to the other side',
    { customer: { inbound: { actions: [{ from: 'Update', to: 'Escalate' }] } } },
    'sends-back customer.inbound.actions.0.to',
  ],
  [
    'a target that the settings send to the other side',
    {
      customer: {
        inbound: { actions: [{ from: 'Update', to: 'Public Note' }] },
        outbound: { escalates: { kind: 'Escalate' }, actions: ['Public Note'] },
      },
    },
    'sends-back customer.inbound.actions.0.to',
  ],
  [
    'a default that is sent to the other side',
    { supplier: { inbound: { actionDefault: 'Update' } } },
    'sends-back supplier.inbound.actionDefault',
  ],
  [
    'nothing escalates',
    { customer: { outbound: { actions: [], escalates: undefined } } },
    'no-escalation customer.outbound.escalates',
  ],
  [
    'nearly everything escalates',
    { customer: { outbound: { escalates: { not: { kind: 'Resolve' } } } } },
    'escalates-everything customer.outbound.escalates',
  ],
  [
    'escalating from the supplier',
    { supplier: { outbound: { escalates: { kind: 'Update' } } } },
    'wrong-side supplier.outbound.escalates',
  ],
  [
    'ticket types at the customer',
    { customer: { inbound: { ticketTypes: [{ from: 'Customer Task', to: 'Incident' }] } } },
    'wrong-side customer.inbound.ticketTypes',
  ],
  [
    'a default ticket type at the customer',
    { customer: { inbound: { ticketTypeDefault: 'Incident' } } },
    'wrong-side customer.inbound.ticketTypeDefault',
  ],
];

for (const [name, change, expected] of cases) {
  test(`a fault, and only that one, at its place: ${name}`, () => {
    assert.deepEqual(told(lint(change)), [expected]);
  });
}

test('every fault has a message that names what is wrong, and a fix', () => {
  for (const [, change] of cases) {
    for (const { why, fix } of lint(change)) {
      assert.match(why, /^["A-Z{].*\.$/);
      assert.match(fix, /^[A-Z].*[.?]$/);
    }
  }
});

test('an unknown name comes with the one that was probably meant', () => {
  const [fault] = lint({ customer: { inbound: { statuses: [{ from: 'In progress', to: 'Resloved' }] } } });
  assert.equal(fault?.why, 'Acme IT has no status "Resloved".');
  assert.equal(fault?.fix, 'Did you mean "Resolved"?');
});

test('every fault is reported at once, on both sides', () => {
  const faults = lint({
    customer: { account: { name: 'Nobody' }, inbound: { actions: [{ from: 'X', to: 'Y' }] } },
    supplier: { inbound: { actionDefault: 'Z' } },
  });
  assert.deepEqual(told(faults), [
    'unknown-name customer.account.name',
    'unknown-name customer.inbound.actions.0.from',
    'unknown-name customer.inbound.actions.0.to',
    'unknown-name supplier.inbound.actionDefault',
  ]);
});

test('closing actions may be mapped onto each other both ways: closing what is closed is no change', () => {
  assert.deepEqual(lint(), []);
  const still: Catalogue = {
    ...acmeCatalogue,
    statuses: acmeCatalogue.statuses.map((status) => ({ ...status, closed: false })),
  };
  assert.deepEqual(told(lint({ customerCatalogue: still })), ['sends-back customer.inbound.actions.2.to']);
});

test('a desk that marks no action for sending, and has two kinds of note in all, may use them both ways', () => {
  const rt: Catalogue = {
    ...northwindCatalogue,
    kinds: [kind('Correspond'), kind('Comment', { hidden: true })],
  };
  const rows = [
    { from: 'Correspond', to: 'Comment' },
    { from: 'Comment', to: 'Comment' },
  ];
  const faults = faultsOf({
    customer: sideSchema.parse({
      account: { name: 'Acme' },
      inbound: { actions: rows },
      outbound: { actions: ['Correspond', 'Comment'], escalates: { field: 'Service name', equals: 'Northwind' } },
    }),
    supplier: sideSchema.parse({
      account: { name: 'Acme' },
      inbound: { actions: rows },
      outbound: { actions: ['Correspond', 'Comment'] },
    }),
    customerCatalogue: rt,
    supplierCatalogue: rt,
    names: { customer: 'A', supplier: 'B' },
  });
  assert.deepEqual(faults, []);
});

test('with a catalogue unknown only what does not depend on it is checked', () => {
  const change: Change = {
    customer: {
      inbound: {
        statuses: [
          { from: 'a', to: 'b' },
          { from: 'A', to: 'c' },
        ],
      },
    },
    customerCatalogue: null,
    supplierCatalogue: null,
  };
  assert.deepEqual(told(lint(change)), ['two-rules customer.inbound.statuses.1.from']);
});

test('a ticket type is refused whose mandatory fields nothing is mapped onto, by mapping or by default', () => {
  const types = northwindCatalogue.types.map((type) => ({ ...type, required: ['Reach', 'Site code'] }));
  const faults = lint({ supplierCatalogue: { ...northwindCatalogue, types } }).filter(
    ({ code }) => code === 'mandatory-field',
  );
  assert.deepEqual(
    faults.map(({ place }) => place.join('.')),
    ['supplier.inbound.ticketTypes.0.to', 'supplier.inbound.ticketTypeDefault'],
  );
  for (const { why, fix } of faults) {
    assert.match(why, /Northwind takes no new ticket of type ".*" without the field "Site code"/);
    assert.doesNotMatch(why, /Reach/);
    assert.match(fix, /Map a field onto "Site code"/);
  }
  assert.deepEqual(lint({ supplierCatalogue: { ...northwindCatalogue, types: northwindCatalogue.types } }), lint());
});

test('a ticket type is refused whose mandatory category, priority or team nothing fills, and one that no setting can fill', () => {
  const requiredOwn = [
    { of: 'category', name: 'Area' },
    { of: 'priority', name: 'Urgency level' },
    { of: 'team', name: 'Crew' },
    { of: 'other', name: 'Impact' },
  ] as const;
  const types = northwindCatalogue.types.map((type) => ({ ...type, requiredOwn }));
  const missing = (over: Change): readonly string[] => [
    ...new Set(
      lint({ ...over, supplierCatalogue: { ...northwindCatalogue, types } })
        .filter(({ code }) => code === 'mandatory-field')
        .map(({ why, fix }) => `${/without "([^"]+)"/.exec(why)?.[1]}: ${fix}`),
    ),
  ];
  const impact = 'Impact: Ferry can’t fill it: give the type a default for "Impact", or make it optional at Northwind.';
  const { account, inbound } = supplier;
  const none = {
    ...supplier,
    account: { ...account, team: undefined },
    inbound: { ...inbound, categories: [], priorities: [] },
  };
  assert.deepEqual(missing({ supplier: none }), [
    'Area: Map categories (`inbound.categories`), give the type a default for "Area", or make it optional at Northwind.',
    'Urgency level: Map priorities (`inbound.priorities`), give the type a default for "Urgency level", or make it optional at Northwind.',
    'Crew: Set the account’s `team`, give the type a default for "Crew", or make it optional at Northwind.',
    impact,
  ]);
  const row = [{ from: 'a', to: 'b' }];
  const all = {
    ...supplier,
    account: { ...account, team: 'x' },
    inbound: { ...inbound, categories: row, priorities: row },
  };
  assert.deepEqual(missing({ supplier: all }), [impact]);
});
