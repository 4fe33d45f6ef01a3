import assert from 'node:assert/strict';
import { test } from 'node:test';
import { audienceOf, isWider, narrower, visibilityFor } from '#core/rules/audience.ts';
import { describeCondition, isPositive, matches } from '#core/rules/criteria.ts';
import { findName, findNamed, findRow, sameName } from '#core/words/names.ts';
import { nearestName, suggestion } from '#core/words/nearest.ts';
import { cutName, safeName } from '#core/text/safe-name.ts';
import type { Condition } from '#core/rules/settings.ts';
import { audiences, sideNames } from '#core/words/vocabulary.ts';
import { words } from '#test/core/fixtures.ts';

test('names are equal whatever their case, white space and composition of accents', () => {
  assert.ok(sameName('Done -  confirm ', 'done - Confirm'));
  assert.ok(sameName('Réseau', 'Re\u0301seau'));
  assert.ok(sameName('a\u00a0b', 'a b'));
  assert.ok(!sameName('Done', 'Done.'));
});

test('a row and a catalogue entry are found by name, in their own spelling', () => {
  assert.equal(findRow([{ from: 'New', to: 'x' }], 'NEW')?.to, 'x');
  assert.equal(findRow([{ from: 'New', to: 'x' }], null), undefined);
  assert.equal(findNamed([{ name: 'In Progress' }], 'in progress')?.name, 'In Progress');
  assert.equal(findNamed([{ name: 'In Progress' }], undefined), undefined);
  assert.equal(findName(['Low', 'High'], 'high'), 'High');
});

test('an unknown name is answered with the nearest one, else with those there are', () => {
  assert.equal(nearestName('Resloved', ['New', 'Resolved']), 'Resolved');
  assert.equal(nearestName('Banana', ['New', 'Resolved']), undefined);
  assert.equal(suggestion('closd', ['Closed']), 'Did you mean "Closed"?');
  assert.equal(suggestion('Banana', ['New', 'Done']), 'Use one of "New", "Done".');
  assert.equal(suggestion('x', []), 'Remove it.');
});

test('visible at the supplier is for the agents of both sides, hidden for its team', () => {
  assert.equal(audienceOf('visible', 'supplier', true), 'desks');
  assert.equal(audienceOf('hidden', 'supplier', true), 'team');
});

test('visible at the customer is for the end user too, hidden but sent for the agents of both sides', () => {
  assert.equal(audienceOf('visible', 'customer', false), 'user');
  assert.equal(audienceOf('hidden', 'customer', true), 'desks');
  assert.equal(audienceOf('hidden', 'customer', false), 'team');
});

test('unknown visibility is for the team, on both sides, even when sent', () => {
  for (const side of sideNames) assert.equal(audienceOf('unknown', side, true), 'team');
});

test('a note of the agents is hidden at the customer and visible at the supplier; the team stays at home', () => {
  assert.equal(visibilityFor('desks', 'customer'), 'hidden');
  assert.equal(visibilityFor('user', 'customer'), 'visible');
  assert.equal(visibilityFor('desks', 'supplier'), 'visible');
  assert.equal(visibilityFor('user', 'supplier'), 'visible');
  for (const side of sideNames) assert.equal(visibilityFor('team', side), null);
});

test('carried to the other side and read back there, no audience is wider than it was', () => {
  for (const audience of audiences) {
    for (const side of sideNames) {
      const visibility = visibilityFor(audience, side);
      if (visibility === null) continue;
      assert.ok(!isWider(audienceOf(visibility, side, true), audience), `${audience} at ${side}`);
    }
  }
});

test('the narrower of two audiences is the same whichever comes first', () => {
  assert.equal(narrower('user', 'desks'), 'desks');
  assert.equal(narrower('desks', 'user'), 'desks');
  assert.equal(narrower('team', 'user'), 'team');
});

const conditions: readonly (readonly [string, Condition, Parameters<typeof words>[0], boolean])[] = [
  ['a kind, whatever its case', { kind: 'escalate to msp' }, { kind: 'Escalate to MSP' }, true],
  ['another kind', { kind: 'Escalate' }, { kind: 'Update' }, false],
  ['no kind at all', { kind: 'Escalate' }, { kind: null }, false],
  ['a field set to the value', { field: 'Supplier', equals: 'Northwind' }, { fields: { supplier: 'northwind' } }, true],
  [
    'a field set to another value',
    { field: 'Supplier', equals: 'Northwind' },
    { fields: { Supplier: 'Contoso' } },
    false,
  ],
  ['a field that was cleared', { field: 'Supplier', equals: 'Northwind' }, { fields: { Supplier: null } }, false],
  ['a field that the action did not touch', { field: 'Supplier', equals: 'Northwind' }, {}, false],
  ['one of several chosen options', { field: 'Tags', equals: 'MSP' }, { fields: { Tags: ['a', 'msp'] } }, true],
  ['a ticked box', { field: 'MSP', equals: 'true' }, { fields: { MSP: true } }, true],
  ['a number', { field: 'Level', equals: '3' }, { fields: { Level: 3 } }, true],
  ['a status by its own name', { field: 'Status', equals: 'With supplier' }, { status: 'With supplier' }, true],
  [
    'a field called like a property wins',
    { field: 'Status', equals: 'b' },
    { status: 'a', fields: { status: 'b' } },
    true,
  ],
  ['all of two, one missing', { all: [{ kind: 'U' }, { field: 'S', equals: 'N' }] }, { kind: 'U' }, false],
  ['any of two, one there', { any: [{ kind: 'U' }, { field: 'S', equals: 'N' }] }, { kind: 'U' }, true],
  ['not', { all: [{ kind: 'U' }, { not: { field: 'S', equals: 'N' } }] }, { kind: 'U' }, true],
];

for (const [name, condition, part, expected] of conditions) {
  test(`a condition looks at what the action itself changed: ${name}`, () => {
    assert.equal(matches(condition, { words: words(part) }), expected);
  });
}

test('a condition nested beyond all sense does not match and does not throw', () => {
  let deep: Condition = { kind: 'Update' };
  for (let level = 0; level < 5000; level += 1) deep = level % 2 === 0 ? { all: [deep] } : { not: deep };
  assert.equal(typeof matches(deep, { words: words() }), 'boolean');
});

test('a condition of nothing but not is known to fire on everything', () => {
  assert.equal(isPositive({ not: { kind: 'x' } }), false);
  assert.equal(isPositive({ any: [{ kind: 'x' }, { not: { kind: 'y' } }] }), false);
  assert.equal(isPositive({ all: [{ kind: 'x' }, { not: { kind: 'y' } }] }), true);
});

test('a condition is described in words', () => {
  const condition: Condition = { all: [{ kind: 'E' }, { any: [{ field: 'S', equals: 'N' }, { not: { kind: 'X' } }] }] };
  assert.equal(describeCondition(condition), 'the action is "E" and ("S" is set to "N" or not the action is "X")');
});

const names: readonly (readonly [string, string])[] = [
  ['report.pdf', 'report.pdf'],
  ['../../etc/passwd', 'passwd'],
  ['C:\\x\\y.exe', 'y.exe'],
  ['a\r\nSet-Cookie: x', 'aSet-Cookie: x'],
  ['CON', '_CON'],
  ['con.txt', '_con.txt'],
  ['Com1 .log', 'Com1 .log'],
  ['LPT1', '_LPT1'],
  ['.htaccess', 'htaccess'],
  ['...', 'attachment'],
  ['', 'attachment'],
  ['  ', 'attachment'],
  ['a/', 'attachment'],
  ['nul\0l.txt', 'null.txt'],
  ['invoice\u202efdp.exe', 'invoicefdp.exe'],
  ['e\u0301.txt', '\u00e9.txt'],
  ['\ud800.txt', '\ufffd.txt'],
  ['a%2f..', 'a%2f'],
  ['name.', 'name'],
];

for (const [given, expected] of names) {
  test(`the file name ${JSON.stringify(given)} is shown as ${JSON.stringify(expected)}`, () => {
    assert.equal(safeName(given), expected);
    assert.equal(safeName(safeName(given)), safeName(given));
  });
}

test('a long file name keeps its ending and has at most 150 code points', () => {
  const name = safeName(`${'\u{1f600}'.repeat(300)}.tar.gz`);
  assert.equal(Array.from(name).length, 150);
  assert.ok(name.endsWith('.gz'));
  assert.equal(safeName(name), name);
});

test('a file name that is too long is cut between what people see as characters, and keeps its ending', () => {
  const family = '👩‍👩‍👧‍👦';
  assert.equal(safeName(`${'a'.repeat(140)}${family}.png`), `${'a'.repeat(140)}.png`);
  assert.equal(safeName(`${family.repeat(40)}.png`), `${family.repeat(20)}.png`);
  assert.equal(safeName(`${'x'.repeat(145)}e\u0301.txt`), `${'x'.repeat(145)}é.txt`);
  assert.equal(cutName('😀'.repeat(150), 201), '😀'.repeat(100));
  assert.equal(cutName(`${'😀'.repeat(150)}.log`, 200), `${'😀'.repeat(98)}.log`);
});

test('letters with millions of marks are compared and named like any other', () => {
  const marked = `a${'\u0327'.repeat(6_000_000)}`;
  assert.ok(sameName(marked, `${marked} `));
  assert.equal(safeName(`${marked}.txt`), `${`a${'\u0327'.repeat(30)}`.normalize('NFC')}.txt`);
});
