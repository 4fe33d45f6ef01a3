/**
 * What Ferry does all day works for a role that owns nothing: files of the suite run once more, with databases that are
 * connected to as the app's role.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { roleVariable } from '#test/support/database.ts';
import { checkout } from '#test/support/process.ts';
import { postgresVariable, temporalVariable, testPostgres, testTemporal } from '#test/support/services.ts';

/** Carrying, pairing, exchanging, operating, tidying. */
const files = [
  'federation/basics',
  'cli/operate',
  'cli/apply',
  'cli/link',
  'cli/link-between',
  'db/carry/promise-writes',
  'db/exchange/receive-actions',
  'db/exchange/receive-receipts',
  'db/operate/retention',
];

test(
  'everything that gateways, workers and commands do all day, the role of the app may do',
  { timeout: 600_000 },
  async () => {
    const { code, out } = await run(files.map((name) => `test/${name}.test.ts`));
    assert.equal(code, 0, out.slice(-8_000));
  },
);

async function run(paths: readonly string[]): Promise<{ code: number | null; out: string }> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--test', '--test-concurrency=2', '--test-reporter=dot', ...paths],
    {
      cwd: checkout,
      env: {
        ...process.env,
        NODE_TEST_CONTEXT: undefined,
        [roleVariable]: 'app',
        [postgresVariable]: await testPostgres(),
        [temporalVariable]: await testTemporal(),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, out };
}
