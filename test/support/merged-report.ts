// Several runs of node:test as one report with one closing summary.

export type TestEvent = {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
};

type Counter = { sum: number; nth: number };

/**
 * Runs one after the other and gives their events as one sequence. The counts that close each run ("tests 5") are
 * held back, added up, and given at the end.
 */
export async function* merged(runs: readonly (() => AsyncIterable<TestEvent>)[]): AsyncGenerator<TestEvent> {
  const counters = new Map<string, Counter>();
  let last: TestEvent | undefined;
  for (const run of runs) {
    for await (const event of run()) {
      const count = closingCount(event);
      if (count !== undefined) {
        const counter = counters.get(count.name) ?? { sum: 0, nth: counters.size };
        counter.sum += count.value;
        counters.set(count.name, counter);
        last = event;
      } else if (event.type !== 'test:summary' || event.data['file'] !== undefined) {
        yield event;
      }
    }
  }
  for (const [name, { sum }] of [...counters].toSorted(([, a], [, b]) => a.nth - b.nth))
    yield {
      type: 'test:diagnostic',
      data: { ...last?.data, message: `${name} ${Math.round(sum * 1000) / 1000}` },
    };
}

const names = ['tests', 'suites', 'pass', 'fail', 'cancelled', 'skipped', 'todo', 'duration_ms'];

function closingCount(event: TestEvent): { name: string; value: number } | undefined {
  if (event.type !== 'test:diagnostic' || event.data['nesting'] !== 0) return undefined;
  // A test may say something of this form itself, but then it has a file.
  if (event.data['file'] !== undefined) return undefined;
  const [name = '', number = '', ...more] = String(event.data['message']).split(' ');
  const value = Number(number);
  if (!names.includes(name) || number === '' || Number.isNaN(value) || more.length > 0) return undefined;
  return { name, value };
}
