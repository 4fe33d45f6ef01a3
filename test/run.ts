// `npm test`: starts the PostgreSQL and the Temporal that all tests share, runs every test file (or those named on
// the command line) in processes of their own, and leaves nothing running.
//
//   npm test                                all of them
//   npm test -- test/config test/a.test.ts  those in a folder, and one file
import { glob, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

import { merged } from './support/merged-report.ts';
import type { TestEvent } from './support/merged-report.ts';
import { checkout } from './support/process.ts';
import { postgresVariable, startServices, temporalVariable } from './support/services.ts';
import type { StartedServices } from './support/services.ts';
import { tempDir } from './support/temp.ts';

/**
 * Files that mostly wait: for leases and heartbeats to expire, for a desk or Temporal to return, for processes to
 * start. The longest come first, so that none runs alone at the end.
 */
const waiting = [
  'federation/gateways-restore',
  'federation/gateways-kill',
  'federation/older-postgres',
  'release/package',
  'waiting/supplier-down',
  'federation/gateways',
  'federation/link-life',
  'waiting',
  'standalone/rt-demo',
  'workflows/versions',
];
/** Compare times, measure memory, or show how fast a page reacts: they have the machine for themselves. */
const alone = [
  'federation/halo-large-file',
  'gateway/api-input',
  'gateway/api-tenancy',
  'gateway/oauth-forged',
  'standalone/first-minute',
  'standalone/page',
  'run.test.ts',
];
const waitingAtOnce = 4;
/** Most others wait as well now and then: for a helpdesk, a poll, a browser. */
const othersAtOnce = availableParallelism() + 1;
/** For each test; one that takes longer says so itself. */
const timeoutMs = Number(process.env['FERRY_TEST_TIMEOUT'] ?? 4 * 60_000);

const ends = new URL('./support/ends.ts', import.meta.url).href;

process.exitCode = await main(process.argv.slice(2));

async function main(named: readonly string[]): Promise<number> {
  const files = await testFiles(named);
  if (files.length === 0) {
    process.stderr.write(`no test file: ${named.join(' ') || 'test/**/*.test.ts'}\n`);
    return 64;
  }
  const broken = new AbortController();
  let services: StartedServices | undefined;
  // Whatever tests leave there is deleted with it, even if they were interrupted.
  const temporary = await tempDir(0o777);
  process.env['TMPDIR'] = temporary.path;
  // A process spends nearly all of its start on loading TypeScript; the first to load a file caches it here for the
  // others.
  process.env['NODE_COMPILE_CACHE'] ??= join(temporary.path, 'node');
  // Request Tracker's empty database takes seconds to make.
  process.env['FERRY_RT_TEMPLATES'] ??= join(temporary.path, 'rt');
  const breakOff = (): void => broken.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, breakOff);
  try {
    if (!process.env[postgresVariable] || !process.env[temporalVariable]) {
      services = await startServices();
      process.env[postgresVariable] = services.postgres;
      process.env[temporalVariable] = services.temporal;
    }
    return await runAll(files, broken.signal);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await services?.stop();
    await temporary.remove();
  }
}

async function runAll(files: readonly string[], signal: AbortSignal): Promise<number> {
  const waits = new Set(waiting.flatMap((name) => files.filter((file) => isOf([name], file))));
  const single = files.filter((file) => !waits.has(file) && isOf(alone, file));
  const others = files.filter((file) => !waits.has(file) && !single.includes(file));
  const passes = [
    { files: others, concurrency: othersAtOnce },
    { files: [...waits], concurrency: waitingAtOnce },
    { files: single, concurrency: 1 },
  ].filter((pass) => pass.files.length > 0 && !signal.aborted);
  const report = merged(
    passes.map(
      ({ files: some, concurrency }) =>
        () =>
          run({
            files: [...some],
            concurrency,
            timeout: timeoutMs,
            signal,
            cwd: checkout,
            execArgv: ['--disable-warning=ExperimentalWarning', `--import=${ends}`],
          }) as AsyncIterable<TestEvent>,
    ),
  );
  const reporter = new spec();
  reporter.pipe(process.stdout, { end: false });
  let failed = false;
  for await (const event of report) {
    if (event.type === 'test:fail' && !isTodo(event)) failed = true;
    reporter.write(event);
  }
  await new Promise<void>((done) => {
    reporter.once('end', done);
    reporter.end();
  });
  return failed || signal.aborted ? 1 : 0;
}

function isTodo(event: TestEvent): boolean {
  const { todo } = event.data;
  return todo !== undefined && todo !== false;
}

/** `names`: how paths below `test` begin. */
function isOf(names: readonly string[], file: string): boolean {
  const path = relative(join(checkout, 'test'), file);
  return names.some((name) => path.startsWith(name));
}

async function testFiles(named: readonly string[]): Promise<string[]> {
  const patterns = named.length === 0 ? ['test/**/*.test.ts'] : await Promise.all(named.map(pattern));
  const found = new Set<string>();
  for await (const file of glob(patterns, { cwd: checkout })) found.add(resolve(checkout, file));
  return [...found].toSorted();
}

/** A folder means the test files below it. */
async function pattern(name: string): Promise<string> {
  const path = relative(checkout, resolve(name));
  try {
    if ((await stat(resolve(name))).isDirectory()) return join(path, '**/*.test.ts');
  } catch {
    // Reports a pattern, or a file that does not exist, for which glob finds nothing.
  }
  return path;
}
