import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { merged } from '#test/support/merged-report.ts';
import type { TestEvent } from '#test/support/merged-report.ts';
import { checkout, startProgram } from '#test/support/process.ts';
import { testPostgres, testTemporal } from '#test/support/services.ts';
import { tempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';

async function* events(list: readonly TestEvent[]): AsyncGenerator<TestEvent> {
  yield* list;
}

function said(message: string, more: Record<string, unknown> = {}): TestEvent {
  return { type: 'test:diagnostic', data: { nesting: 0, message, ...more } };
}

test('two runs are reported as one, with the sums of their counts at the end', async () => {
  const passed = { type: 'test:pass', data: { nesting: 0, name: 'a' } };
  const own = said('tests 99', { file: 'a.test.ts' });
  const out: TestEvent[] = [];
  for await (const event of merged([
    () => events([passed, own, said('tests 2'), said('fail 0'), said('duration_ms 1.5')]),
    () => events([passed, said('tests 3'), said('fail 1'), said('duration_ms 2')]),
  ]))
    out.push(event);
  assert.deepEqual(
    out.map((event) => (event.type === 'test:diagnostic' ? event.data['message'] : event.type)),
    ['test:pass', 'tests 99', 'test:pass', 'tests 5', 'fail 1', 'duration_ms 3.5'],
  );
});

test(
  'npm test fails when a test fails, hangs or cannot be loaded, passes otherwise, and tells of every test',
  { timeout: 60_000 },
  async () => {
    const temp = await tempDir();
    const files = {
      good: `import { test } from 'node:test'; test('t', () => {});`,
      bad: `import { test } from 'node:test'; test('t', () => { throw new Error('no'); });`,
      lateBad: `import { test } from 'node:test';
        for (let n = 0; n < 500; n += 1) test('t' + n, () => {});
        test('last', () => { setInterval(() => {}, 1000); throw new Error('no'); });`,
      leaves: `import { test } from 'node:test';
        for (let n = 0; n < 500; n += 1) test('t' + n, () => setInterval(() => {}, 1000));`,
      hangs: `import { test } from 'node:test'; test('t', () => new Promise((r) => setTimeout(r, 1e6)));`,
      broken: `import './nothing.ts';`,
    };
    // Hands on the services of the whole run, so that these runs start none.
    const env = {
      FERRY_TEST_PG: await testPostgres(),
      FERRY_TEST_TEMPORAL: await testTemporal(),
      FERRY_TEST_TIMEOUT: '3000',
    };
    const codes: Record<string, number | null> = {};
    const counts: Record<string, number> = {};
    for (const [name, text] of Object.entries(files)) {
      const file = join(temp.path, `${name}.test.ts`);
      await writeFile(file, text);
      const run = await startProgram({ program: 'test/run.ts', args: [file], env });
      codes[name] = (await run.ended).code;
      assert.match(run.stdout(), /tests \d+\n/, run.output());
      counts[name] = Number(/tests (\d+)\n/.exec(run.stdout())?.[1]);
    }
    assert.deepEqual(codes, { good: 0, bad: 1, lateBad: 1, leaves: 0, hangs: 1, broken: 1 });
    assert.deepEqual(
      counts,
      { good: 1, bad: 1, lateBad: 501, leaves: 500, hangs: 1, broken: 1 },
      'every test is reported',
    );
    await temp.remove();
  },
);

test('npm test leaves no process and no directory when it is interrupted', { timeout: 60_000 }, async () => {
  const temp = await tempDir();
  const file = join(temp.path, 'waits.test.ts');
  const support = join(checkout, 'test/support');
  await writeFile(
    file,
    `import { test } from 'node:test';
    import { startProgram } from '${support}/process.ts';
    import { tempDir } from '${support}/temp.ts';
    test('t', async () => {
      const dir = await tempDir();
      const child = await startProgram({ program: process.execPath, command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] });
      console.log('waits', JSON.stringify({ dir: dir.path, pid: child.pid }));
      await new Promise((r) => setTimeout(r, 1e6));
    });`,
  );
  const env = { FERRY_TEST_PG: await testPostgres(), FERRY_TEST_TEMPORAL: await testTemporal(), TMPDIR: temp.path };
  const run = await startProgram({ program: 'test/run.ts', args: [file], env });
  const [, told = ''] = await run.line(/waits (\{.*\})/);
  const { dir, pid } = JSON.parse(told) as { dir: string; pid: number };
  assert.ok(dir.startsWith(temp.path), dir);
  run.signal('SIGINT');
  assert.equal((await run.ended).code, 1);
  assert.deepEqual(await readdir(temp.path), ['waits.test.ts']);
  await until(() => hasEnded(pid), { what: `process ${pid} to end` });
  await temp.remove();
});

function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
