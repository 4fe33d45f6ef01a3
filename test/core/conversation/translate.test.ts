import assert from 'node:assert/strict';
import { test } from 'node:test';
import { translate, type Translated } from '#core/conversation/translate.ts';
import type { TranslateInput } from '#core/conversation/decide-input.ts';
import type { FieldValue } from '#core/words/vocabulary.ts';
import { acmeCatalogue, inbound, kind, snapshot, words } from '#test/core/fixtures.ts';

function translated(part: Partial<TranslateInput> = {}): Translated {
  const input: TranslateInput = {
    words: words(),
    inbound: inbound(),
    catalogue: acmeCatalogue,
    snapshot: snapshot(),
    opening: false,
    row: undefined,
    target: undefined,
    bare: false,
    ...part,
  };
  return translate(input, 'Acme IT');
}

const done = words({ status: 'Done - confirm' });
const map = { statuses: [{ from: 'Done - Confirm', to: 'resolved' }] };
const row = { from: 'Update', to: 'Public Note', mailsUser: false };

type Said = { readonly status?: string | undefined; readonly changes: boolean; readonly drops?: readonly string[] };

const statuses: readonly (readonly [string, Partial<TranslateInput>, Said])[] = [
  [
    'the map decides, in the desk’s own spelling',
    { words: done, inbound: inbound(map) },
    { status: 'Resolved', changes: true },
  ],
  [
    'the map wins over the row and the kind',
    { words: done, inbound: inbound(map), row: { ...row, status: 'New' }, target: kind('k', { status: 'New' }) },
    { status: 'Resolved', changes: true },
  ],
  [
    'the row decides where the map says nothing',
    { words: done, row: { ...row, status: 'New' } },
    { status: 'New', changes: true },
  ],
  [
    'the row decides where the sender changed no status',
    { row: { ...row, status: 'New' } },
    { status: 'New', changes: true },
  ],
  ['the kind’s own is left to the desk', { words: done, target: kind('k', { status: 'Resolved' }) }, { changes: true }],
  [
    'a kind whose own status the ticket has changes nothing',
    { target: kind('k', { status: 'With supplier' }) },
    { changes: false },
  ],
  ['an unmapped status is dropped with its reason', { words: done }, { changes: false, drops: ['unmapped-status'] }],
  [
    'the default for openings does not touch later ones',
    { words: done, inbound: inbound({ statusDefault: 'New' }) },
    { changes: false, drops: ['unmapped-status'] },
  ],
  [
    'a status that the desk no longer has is dropped with its reason',
    { words: done, inbound: inbound({ statuses: [{ from: 'Done - confirm', to: 'Gone' }] }) },
    { changes: false, drops: ['unknown-in-catalogue'] },
  ],
  [
    'no change to what is already so',
    { words: done, inbound: inbound(map), snapshot: snapshot({ status: 'RESOLVED' }) },
    { changes: false },
  ],
  [
    'where the kind would set another status, the one that is already so is said all the same',
    {
      words: done,
      inbound: inbound(map),
      snapshot: snapshot({ status: 'Resolved' }),
      target: kind('k', { status: 'New' }),
    },
    { status: 'Resolved', changes: false },
  ],
  [
    'with nothing known of the ticket the status is said',
    { words: done, inbound: inbound(map), snapshot: null },
    { status: 'Resolved', changes: true },
  ],
  [
    'at the opening the default is used',
    { words: done, opening: true, snapshot: null, inbound: inbound({ statusDefault: 'New' }) },
    { status: 'New', changes: true },
  ],
  [
    'at the opening the desk’s own default gives no status and no reason',
    { words: done, opening: true, snapshot: null },
    { changes: false },
  ],
];

for (const [name, part, { status, changes, drops = [] }] of statuses) {
  test(`status: ${name}`, () => {
    const result = translated(part);
    assert.equal(result.changed.status, status);
    assert.equal(result.changes, changes);
    assert.deepEqual(
      result.drops.map(({ code }) => code),
      drops,
    );
  });
}

test('category and priority follow the map; unmapped they stay, with the reason', () => {
  const settings = inbound({
    categories: [{ from: 'Devices', to: 'hardware>laptop' }],
    priorities: [{ from: 'P4', to: 'Low' }],
  });
  const both = translated({ words: words({ category: 'Devices', priority: 'P4' }), inbound: settings });
  assert.deepEqual(both.changed, { category: 'Hardware>Laptop', priority: 'Low' });
  const neither = translated({ words: words({ category: 'Cloud', priority: 'P1' }), inbound: settings });
  assert.deepEqual(neither.changed, {});
  assert.deepEqual(
    neither.drops.map(({ code }) => code),
    ['unmapped-category', 'unmapped-priority'],
  );
});

test('category: absent, null and already so are three things', () => {
  assert.equal(translated().changed.category, undefined);
  assert.equal(translated({ words: words({ category: null }) }).changed.category, null);
  assert.equal(
    translated({ words: words({ category: null }), snapshot: snapshot({ category: null }) }).changed.category,
    undefined,
  );
  const same = inbound({ categories: [{ from: 'Remote', to: 'Network>VPN' }] });
  assert.equal(translated({ words: words({ category: 'Remote' }), inbound: same }).changes, false);
});

test('a category that the desk no longer has is dropped with its reason', () => {
  const settings = inbound({ categories: [{ from: 'Cloud', to: 'Vanished' }] });
  assert.deepEqual(
    translated({ words: words({ category: 'Cloud' }), inbound: settings }).drops.map(({ code }) => code),
    ['unknown-in-catalogue'],
  );
});

const fieldRows = inbound({
  fields: [
    {
      from: 'Reach',
      to: 'scope',
      options: [
        { from: 'Single user', to: 'one PERSON' },
        { from: 'Whole company', to: 'Nobody' },
      ],
    },
    { from: 'Places', to: 'Sites' },
    { from: 'Client due', to: 'Needed by' },
    { from: 'Change window', to: 'Window' },
    { from: 'Headcount', to: 'People', when: 'always' },
    { from: 'Hurry', to: 'Urgent' },
    { from: 'Service name', to: 'Service' },
    { from: 'Plan', to: 'Plan' },
    { from: 'Ghost', to: 'Vanished' },
  ],
});

const fields: readonly (readonly [string, string, FieldValue, Readonly<Record<string, FieldValue>> | string])[] = [
  ['an option is mapped', 'reach', 'single user', { Scope: 'One person' }],
  ['an option that both desks call the same needs no row', 'Reach', 'everybody', { Scope: 'Everybody' }],
  ['an unmapped option is dropped', 'Reach', 'Department', 'unmapped-option'],
  ['an option mapped onto one that is not there is dropped', 'Reach', 'Whole company', 'unmapped-option'],
  ['one option does not take two', 'Reach', ['Single user', 'Everybody'], 'field-type-differs'],
  ['several options go together', 'Places', ['york', 'Leeds'], { Sites: ['York', 'Leeds'] }],
  ['one of several options goes as a list', 'Places', 'York', { Sites: ['York'] }],
  ['no options at all are an empty list', 'Places', [], { Sites: [] }],
  ['a date stays a date', 'Client due', '2026-12-24', { 'Needed by': '2026-12-24' }],
  ['an instant is not a date', 'Client due', '2026-12-24T00:00:00Z', 'field-type-differs'],
  ['a date is not an instant', 'Change window', '2026-12-24', 'field-type-differs'],
  ['a time without a zone is not an instant', 'Change window', '2026-12-24T10:00:00', 'field-type-differs'],
  ['an instant stays an instant', 'Change window', '2026-12-24T10:00:00Z', { Window: '2026-12-24T10:00:00Z' }],
  ['a number stays a number', 'Headcount', 12, { People: 12 }],
  ['a number that its desk keeps as text is a number', 'Headcount', '12.5', { People: 12.5 }],
  ['text is not a number', 'Headcount', 'twelve', 'field-type-differs'],
  ['empty text is not a number', 'Headcount', '', 'field-type-differs'],
  ['a box stays a box', 'Hurry', false, { Urgent: false }],
  ['text is not a box', 'Hurry', 'yes', 'field-type-differs'],
  ['text stays text, without what cannot be stored', 'Service name', 'a\0b', { Service: 'ab' }],
  ['empty text is a text', 'Service name', '', { Service: '' }],
  ['a number is not text', 'Service name', 3, 'field-type-differs'],
  ['rich text is made safe', 'Plan', '<b onclick="x()">a</b>', { Plan: '<b>a</b>' }],
  ['a field without a row is dropped', 'Unknown', 'x', 'unmapped-field'],
  ['a field that the desk no longer has is dropped', 'Ghost', 'x', 'unknown-in-catalogue'],
  ['the name of a prototype is only a name', '__proto__', 'x', 'unmapped-field'],
];

for (const [name, field, value, expected] of fields) {
  test(`field: ${name}`, () => {
    const given = Object.fromEntries([[field, value]]);
    const result = translated({ words: words({ fields: given }), inbound: fieldRows });
    if (typeof expected === 'string') {
      assert.deepEqual(
        result.drops.map(({ code }) => code),
        [expected],
      );
      assert.deepEqual(result.fields, {});
      assert.equal(result.changes, false);
    } else {
      assert.deepEqual(result.fields, expected);
      assert.deepEqual(result.drops, []);
      assert.equal(result.changes, true);
    }
  });
}

const alreadySo: readonly (readonly [string, FieldValue, FieldValue])[] = [
  ['Reach', 'Single user', 'ONE person'],
  ['Places', ['Leeds', 'York'], ['York', 'Leeds']],
  ['Change window', '2026-12-24T10:00:00Z', '2026-12-24T10:00:00.000+00:00'],
  ['Headcount', '12', 12],
  ['Service name', 'VPN', 'VPN'],
];
const target: Readonly<Record<string, string>> = {
  Reach: 'Scope',
  Places: 'Sites',
  'Change window': 'Window',
  Headcount: 'People',
  'Service name': 'Service',
};
for (const [field, value, had] of alreadySo) {
  test(`field: ${field} is not written when it already has the value`, () => {
    const result = translated({
      words: words({ fields: { [field]: value } }),
      inbound: fieldRows,
      snapshot: snapshot({ fields: { [target[field] ?? '']: had } }),
    });
    assert.deepEqual(result.fields, {});
    assert.equal(result.changes, false);
  });
}

test('field: cleared is cleared, and what is clear already is left', () => {
  const clear = words({ fields: { 'Service name': null } });
  const was = snapshot({ fields: { Service: 'VPN' } });
  assert.deepEqual(translated({ words: clear, inbound: fieldRows, snapshot: was }).fields, { Service: null });
  assert.deepEqual(translated({ words: clear, inbound: fieldRows }).fields, {});
});

test('field: empty text is not the same as cleared', () => {
  const empty = words({ fields: { 'Service name': '' } });
  assert.deepEqual(
    translated({ words: empty, inbound: fieldRows, snapshot: snapshot({ fields: { Service: null } }) }).fields,
    { Service: '' },
  );
});

test('field: a bare change travels only where its row says always', () => {
  const changed = words({ fields: { Headcount: 3, 'Service name': 'VPN' } });
  const result = translated({ words: changed, inbound: fieldRows, bare: true });
  assert.deepEqual(result.fields, { People: 3 });
  assert.deepEqual(
    result.drops.map(({ code }) => code),
    ['field-waits-for-action'],
  );
});

test('field: with an escalation every mapped field goes, and the others are no news', () => {
  const all = words({ summary: 'S', fields: { Headcount: 3, 'Service name': 'VPN', Other: 'x', Hurry: null } });
  const result = translated({ words: all, inbound: fieldRows, opening: true, snapshot: null });
  assert.deepEqual(result.fields, { People: 3, Service: 'VPN' });
  assert.deepEqual(result.drops, []);
});

test('summary: it follows only where a field row maps it', () => {
  const changed = words({ summary: 'New [ID:5]\ntext' });
  const mapped = inbound({ fields: [{ from: 'Summary', to: 'summary' }] });
  assert.equal(translated({ words: changed }).changed.summary, undefined);
  assert.deepEqual(translated({ words: changed }).drops, []);
  assert.equal(translated({ words: changed, inbound: mapped }).changed.summary, 'New (ID:5) text');
  assert.equal(
    translated({ words: changed, inbound: mapped, snapshot: snapshot({ summary: 'New (ID:5) text' }) }).changes,
    false,
  );
});

test('summary: a row may map it onto a text field, and a text field onto it', () => {
  const onto = inbound({ fields: [{ from: 'summary', to: 'Service' }] });
  assert.deepEqual(translated({ words: words({ summary: 'S' }), inbound: onto }).fields, { Service: 'S' });
  const from = inbound({ fields: [{ from: 'Title', to: 'summary' }] });
  assert.equal(translated({ words: words({ fields: { Title: 'T' } }), inbound: from }).changed.summary, 'T');
});
