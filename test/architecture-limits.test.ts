/** docs/limits.md by value: every figure that it states is that of a constant, and every constant that it names is stated. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { clientLimits } from '#gateway/limits/standard.ts';
import { figuresIn, valuesIn, type Figure } from '#test/support/figures.ts';

const root = path.join(import.meta.dirname, '..');
const page = 'docs/limits.md';
/** Answers of HTTP that a row says are given. */
const statuses = [408, 429, 503, 507];

type Row = {
  readonly what: string;
  readonly figures: readonly Figure[];
  /** Constants by file; a name may have a dot. */
  readonly where: readonly { readonly file: string; readonly name: string }[];
};

const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** Of a table's row, its last cell says where the limit is. */
function rowsOf(text: string): Row[] {
  const lines = text.split('\n').filter((line) => line.startsWith('|') && !/^\| *-|\| (?:where|why) \|$/.test(line));
  return lines.map((line) => {
    const [what = '', ...cells] = line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim());
    const last = cells.at(-1) ?? '';
    const stated = cells
      .slice(0, -1)
      .flatMap(figuresIn)
      .filter(({ value, hasUnit }) => hasUnit || !statuses.includes(value));
    const named = [...last.matchAll(/`([\w./-]+\.ts)`((?:,? `[\w.]+`(?!\w))*)/g)].flatMap(([, file = '', names = '']) =>
      [...names.matchAll(/`([\w.]+)`/g)].map(([, name = '']) => ({ file, name })),
    );
    const where = named.filter(({ name }) => !name.endsWith('.ts'));
    return { what, figures: [...figuresIn(what).filter(({ hasUnit }) => hasUnit), ...stated], where };
  });
}

/** What a source works out: read from what it gives, not from its text. */
const given: Readonly<Record<string, unknown>> = { 'gateway/limits/standard.ts': clientLimits() };

function valuesOf({ file, name }: Row['where'][number]): number[] {
  const values = given[file];
  if (values === undefined) return valuesIn(read(file), name);
  let value: unknown = values;
  for (const part of name.split('.')) value = (value as Readonly<Record<string, unknown>> | undefined)?.[part];
  return typeof value === 'number' ? [value] : [];
}

/** Faults for people; none where the row is right. */
function faultsOf({ what, figures, where }: Row, values: (one: Row['where'][number]) => readonly number[]): string[] {
  const known = where.map((one) => ({ ...one, values: values(one) }));
  const all = new Set(known.flatMap((one) => one.values));
  const stated = new Set(figures.map(({ value }) => value));
  return [
    ...(where.length === 0 ? [`${what}: names no constant`] : []),
    ...figures.filter(({ value }) => !all.has(value)).map(({ text }) => `${what}: nothing that it names is ${text}`),
    ...known.flatMap(({ file, name, values: own }) =>
      own
        .filter((value) => !stated.has(value))
        .map((value) => `${what}: ${file} ${name} is ${value}, which is not stated`),
    ),
    ...known
      .filter(({ values: own }) => own.length === 0 && figures.length > 0)
      .map(({ file, name }) => `${what}: ${file} has no figure ${name}`),
  ];
}

describe(page, () => {
  const rows = rowsOf(read(page));

  it('states of every limit the value that the code has, and names where', () => {
    assert.ok(rows.length > 100, `${rows.length} rows`);
    assert.deepEqual(
      rows.flatMap((row) => faultsOf(row, valuesOf)),
      [],
    );
  });

  it('names constants that are there, also where they have no figure of their own', () => {
    const missing = rows
      .flatMap(({ where }) => where)
      .filter(({ file, name }) => !new RegExp(String.raw`\b${name.split('.')[0]}\b`).test(read(file)));
    assert.deepEqual(missing, []);
  });
});

describe('the comparison of a limit', () => {
  const source = `
    const waitMs = 15 * 60_000;
    export const kept = { looks: 20, longestSeconds: 2 * 3_600 };
    const mib = 1024 * 1024;
    const standard: Pace = { perMinute: 600, most: 4 * mib };
    const { limit = 10, windowMs = 60_000 } = options;
    const pool = { max: options.max ?? 16, days: z.int().min(1).default(90) };
    const times = (10 * 1024) / 1_000;
    const seq = 2 ** 48;
    const at = now(), later = performance.now() + 5;`;

  it('reads products, powers, properties, defaults and fallbacks, in the unit that the name has', () => {
    const cases: readonly (readonly [string, readonly number[]])[] = [
      ['waitMs', [900_000]],
      ['kept', [20, 7_200_000]],
      ['kept.looks', [20]],
      ['standard.most', [4_194_304]],
      ['limit', [10]],
      ['windowMs', [60_000]],
      ['max', [16]],
      ['days', [90]],
      ['times', [10.24]],
      ['seq', [2 ** 48]],
      ['at', []],
      ['nothing', []],
    ];
    for (const [name, values] of cases) assert.deepEqual(valuesIn(source, name), values, name);
  });

  it('reads figures with their units, and no part of a word or a longer number', () => {
    const text =
      'from 0.5 s to 15 min, 1,000 a minute, 2^48; 10 KiB/s at 4 Mbit/s, 3 months, IPv6, 512 MiB, 24 h, v1.2.3';
    assert.deepEqual(
      figuresIn(text).map(({ value }) => value),
      [500, 900_000, 1_000, 2 ** 48, 10.24, 500, 3, 536_870_912, 86_400_000],
    );
  });

  it('finds another value, a figure of nowhere, a constant that is not stated, and a row without any', () => {
    const row = (line: string): string[] =>
      rowsOf(line).flatMap((one) => faultsOf(one, ({ name }) => valuesIn(source, name)));
    assert.deepEqual(row('| A wait | 15 min | `a/b.ts` `waitMs` |'), []);
    assert.deepEqual(row('| Looks | 20 times, at most 2 h; else 429 | `a/b.ts` `kept` |'), []);
    assert.equal(row('| A wait | 10 min | `a/b.ts` `waitMs` |').length, 2);
    assert.equal(row('| Looks | 20 times | `a/b.ts` `kept` |').length, 1);
    assert.equal(row('| Looks | 20 times, 30 s | `a/b.ts` `kept.looks` |').length, 1);
    assert.equal(row('| Looks | 20 times | nowhere |').length, 2);
    assert.equal(row('| Looks within 60 s | 20 times | `a/b.ts` `kept.looks` |').length, 1);
    assert.equal(row('| Looks | 20 times | `a/b.ts` `kept.looks`, `missing` |').length, 1);
  });
});
