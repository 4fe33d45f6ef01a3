/** The process of the `ferry` command, which bin/ferry.js starts with the right Node. It wires the commands' dependencies. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants, userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { programFile } from '#config/tree.ts';
import { ferryVersion } from '#config/version.ts';
import type { CliDeps } from './deps.ts';
import { runCli } from './program.ts';

const interrupted = new AbortController();
/** The image has no `ferry start`: there, PostgreSQL and Temporal run in other containers. */
const canStart = existsSync(programFile('standalone/start.ts'));

const deps: CliDeps = {
  version: ferryVersion(),
  env: process.env,
  cwd: process.cwd(),
  account,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isInteractive: process.stdin.isTTY === true && process.stdout.isTTY === true,
  ask,
  findRunning: async (data) => {
    if (!canStart) return null;
    const { findRunning } = await import('#standalone/machine/find-running.ts');
    return findRunning(data);
  },
  programs: {
    // Loaded on demand, so that `ferry status` does not wait for modules that only `ferry start` needs.
    start: async (options) => {
      if (!canStart) return cannotStart();
      const { startStandalone } = await import('#standalone/start.ts');
      return startStandalone(options);
    },
    gateway: async () => {
      const { runGateway } = await import('#gateway/main.ts');
      return runGateway();
    },
    worker: () => runProgram(programFile('worker/main.ts')),
  },
  signal: interrupted.signal,
};

function cannotStart(): number {
  process.stderr.write(
    'ferry: this image runs no PostgreSQL and no Temporal; use docker-compose.yml, or install the package for `ferry start` [no-start]\n',
  );
  return 69;
}

/** Under sudo, the account of the person who used it. A container may run as a user that has no name. */
function account(): string {
  const { SUDO_USER } = process.env;
  if (SUDO_USER !== undefined && SUDO_USER !== '') return SUDO_USER;
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

async function ask(question: string): Promise<string> {
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  try {
    // An input that ends without a line is no answer.
    const over = new Promise<string>((resolve) => asking.once('close', () => resolve('')));
    return await Promise.race([asking.question(question), over]);
  } finally {
    asking.close();
  }
}

/** Runs a program in a process of its own, with our output and our signals. @returns its exit code */
function runProgram(file: string): Promise<number> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : (constants.signals[signal] ?? 0))),
    );
  });
}

// `ferry trace … | head` has to end without an error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});
const args = process.argv.slice(2);
// Hide codes and URLs with passwords from everybody who lists processes. It is better not to give them here at all.
if (args.includes('accept') || args.some((arg) => arg.startsWith('--database'))) process.title = 'ferry';
// Long-running programs handle signals themselves; a trial first deletes what it wrote.
if (args.includes('--follow') || args.includes('--write'))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
process.exitCode = await runCli(args, deps);
