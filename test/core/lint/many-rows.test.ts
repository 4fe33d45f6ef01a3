// Lint is quick however many rows there are, right ones and wrong ones: its work grows with them and not with their square.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintLink, type LintInput } from '#core/lint/lint.ts';
import { sideSchema } from '#core/rules/settings.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';
import { kind } from '#test/core/fixtures.ts';

const count = (many: number, name: string): string[] => Array.from({ length: many }, (_, at) => `${name} ${at}`);

function catalogueOf(many: number): Catalogue {
  const fifth = many / 5;
  return {
    statuses: count(fifth, 'Status').map((name, at) => ({ name, closed: at % 2 === 0 })),
    categories: count(fifth, 'Network>Category'),
    types: count(20, 'Type').map((name) => ({ name, kinds: count(fifth, 'Kind'), statuses: count(fifth, 'Status') })),
    priorities: count(20, 'Priority'),
    fields: [
      { name: 'Choice', type: 'option', options: count(fifth, 'Option') },
      ...count(fifth, 'Field').map((name) => ({ name, type: 'text' as const })),
    ],
    kinds: count(fifth, 'Kind').map((name, at) => kind(name, { status: `Status ${at}` })),
    accounts: ['x'],
    teams: [],
    automations: count(fifth, 'Automation').map((name, at) => ({
      name,
      on: { status: `Status ${at}` },
      does: { status: `Status ${at + 1}` },
    })),
  };
}

/** @param many rows of each side @param isWrong no name of the rows is known */
function linkOf(many: number, isWrong = false): LintInput {
  const fifth = many / 5;
  const rows = (name: string) =>
    count(fifth, name).map((one, at) => ({
      from: isWrong ? `Wrong ${one}` : one,
      to: isWrong ? `No ${one}` : `${name} ${at}`,
    }));
  const settings = sideSchema.parse({
    account: { name: 'x' },
    inbound: {
      statuses: rows('Status'),
      categories: rows('Network>Category'),
      fields: [{ from: 'Choice', to: 'Choice', options: rows('Option') }, ...rows('Field')],
      actions: rows('Kind'),
    },
    outbound: { actions: ['Kind 1'], escalates: { kind: 'Kind 2' } },
  });
  const catalogue = catalogueOf(many);
  return {
    customer: settings,
    supplier: settings,
    customerCatalogue: catalogue,
    supplierCatalogue: catalogue,
    names: { customer: 'Acme', supplier: 'Northwind' },
  };
}

/** Of this process, milliseconds: what others do meanwhile hardly counts. The best of several. */
function leastCpuMs(work: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5; run += 1) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
}

for (const [what, isWrong] of [
  ['right', false],
  ['wrong', true],
] as const)
  test(`10,000 rows that are ${what} are linted in less than a second of the processor`, () => {
    const input = linkOf(10_000 / 2, isWrong);
    const found = lintLink(input);
    assert.equal(
      found.some(({ code }) => code === 'unknown-name'),
      isWrong,
    );
    const ms = leastCpuMs(() => lintLink(input));
    assert.ok(ms < 1_000, `${Math.round(ms)} ms`);
  });

test('ten times as many rows read names about ten times as often, not a hundred times', () => {
  assert.ok(readsOf(5_000) < 15 * readsOf(500));
});

/** How often lint reads the ends of rows. */
function readsOf(many: number): number {
  let reads = 0;
  const watched = <Row extends object>(rows: readonly Row[]): Row[] =>
    rows.map(
      (row) =>
        new Proxy(row, {
          get(target, key) {
            reads += 1;
            return Reflect.get(target, key) as unknown;
          },
        }),
    );
  const input = linkOf(many);
  const { inbound } = input.supplier;
  const statuses = watched(inbound.statuses);
  const actions = watched(inbound.actions);
  const categories = watched(inbound.categories);
  lintLink({ ...input, supplier: { ...input.supplier, inbound: { ...inbound, statuses, actions, categories } } });
  return reads;
}
