// Runs files of the suite once more, in an environment of another kind.
import { spawn } from 'node:child_process';
import { checkout } from './process.ts';
import { postgresVariable, temporalVariable, testPostgres, testTemporal } from './services.ts';

/** @param paths files, or patterns @param env instead of what this process has @returns the exit code and what was printed */
export async function runOnceMore(
  paths: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--test', '--test-concurrency=2', '--test-reporter=dot', ...paths],
    {
      cwd: checkout,
      env: {
        ...process.env,
        NODE_TEST_CONTEXT: undefined,
        [postgresVariable]: env[postgresVariable] ?? (await testPostgres()),
        [temporalVariable]: await testTemporal(),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  return { code, out };
}
