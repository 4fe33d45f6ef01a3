import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { overlapOf } from '#core/lint/lint-overlap.ts';
import { matches } from '#core/rules/criteria.ts';
import type { Condition } from '#core/rules/settings.ts';

const kind = (name: string): Condition => ({ kind: name });
const field = (name: string, equals: string): Condition => ({ field: name, equals });
const escalate = kind('Escalate');
const toNorthwind = field('Supplier', 'Northwind');

const cases: readonly (readonly [string, Condition, Condition, ReturnType<typeof overlapOf>])[] = [
  ['the same condition', escalate, kind('escalate '), 'shadowed'],
  ['two kinds', escalate, kind('Hand over'), 'none'],
  ['two values of one field', toNorthwind, field('supplier', 'Bluebird'), 'none'],
  ['a condition within a wider one', escalate, { all: [escalate, toNorthwind] }, 'shadowed'],
  ['one of several ways', { any: [escalate, kind('B')] }, { any: [kind('B'), kind('C')] }, 'shadowed'],
  ['a kind and a field', escalate, toNorthwind, 'possible'],
  ['one kind, two values', { all: [escalate, toNorthwind] }, { all: [escalate, field('Supplier', 'B')] }, 'none'],
  ['the opposite', { all: [escalate, { not: toNorthwind }] }, { all: [escalate, toNorthwind] }, 'none'],
  [
    'all but one value',
    { all: [escalate, { not: toNorthwind }] },
    { all: [escalate, field('Supplier', 'B')] },
    'shadowed',
  ],
  ['a condition that nothing fits', { all: [escalate, { not: escalate }] }, escalate, 'none'],
];
for (const [name, a, b, wanted] of cases) {
  test(`${name}: ${wanted}, whichever comes first`, () => {
    assert.equal(overlapOf(a, b), wanted);
    assert.equal(overlapOf(b, a), wanted);
  });
}

const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('A', 'B', 'C').map(kind),
    fc.tuple(fc.constantFrom('F', 'G'), fc.constantFrom('1', '2')).map(([name, value]) => field(name, value)),
    fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((all): Condition => ({ all })),
    fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((any): Condition => ({ any })),
    tie('condition').map((not): Condition => ({ not })),
  ),
}));
const everyAction = ['A', 'B', 'C', 'D'].flatMap((name) =>
  [null, '1', '2', '3'].flatMap((f) =>
    [null, '1', '2', '3'].map((g) => ({ words: { kind: name, fields: { F: f, G: g } } })),
  ),
);

test('no overlap means that no action fits both, and any overlap that some action does', () => {
  fc.assert(
    fc.property(condition, condition, (a, b) => {
      const both = everyAction.some((action) => matches(a, action) && matches(b, action));
      assert.equal(overlapOf(a, b) !== 'none', both);
    }),
    { numRuns: 2_000 },
  );
});

test('conditions that unfold without end are left alone, fast', () => {
  const wide: Condition = { any: Array.from({ length: 20 }, (_, at) => kind(`K${at}`)) };
  const deep: Condition = { all: Array.from({ length: 20 }, () => wide) };
  const from = performance.now();
  assert.equal(overlapOf(deep, deep), 'none');
  assert.ok(performance.now() - from < 5_000);
});
