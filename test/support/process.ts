// Child processes of tests: programs of Ferry (main.ts files) run for real, watched, killed, frozen, and surely ended.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { until } from './wait.ts';

export type ProgramOptions = {
  /** From the checkout's root, for instance `gateway/main.ts`, or an absolute path. */
  readonly program: string;
  readonly args?: readonly string[];
  /** Added to PATH, HOME and little else of ours, so that a test controls its environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The program runs as this user, for tests run by root. */
  readonly uid?: number;
  readonly gid?: number;
  /** Ready when a line of its output matches; without it at once. */
  readonly ready?: RegExp;
  /** A minute and a half by default. */
  readonly readyWithinMs?: number;
  /** Another program than Node of this process. */
  readonly command?: string;
  /** Puts it in its own process group. */
  readonly detached?: boolean;
};

export type Ended = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type Program = {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** Everything printed so far. */
  stdout(): string;
  stderr(): string;
  output(): string;
  /** Waits for a line of output that matches. */
  line(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  signal(signal: NodeJS.Signals): void;
  /** SIGSTOP: alive, but doing nothing, as a machine that hangs. */
  freeze(): void;
  thaw(): void;
  kill9(): Promise<void>;
  /** Sends SIGTERM, and SIGKILL if the process has not ended within `graceMs`. */
  stop(graceMs?: number): Promise<Ended>;
};

export const checkout = fileURLToPath(new URL('../../', import.meta.url));

const running = new Set<ChildProcess>();
// A test that fails half-way, or an interrupted run, leaves nothing running.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
// An interrupted run ends its files with SIGTERM, which by default ends a process without its `exit` event.
process.once('SIGTERM', () => process.exit(143));

/** A process that a test started otherwise ends with it, too. `pid`: looked up when the time has come. */
export function endsWithThis(pid: () => number | null | undefined): void {
  process.once('exit', () => {
    const found = pid();
    if (found === null || found === undefined) return;
    try {
      process.kill(found, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  });
}

/** Starts a program and waits until it is ready; rejects with its output when it ends before. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const isOwn = options.command === undefined;
  const program = options.program.startsWith('/') ? options.program : checkout + options.program;
  const args = [...(isOwn ? ['--disable-warning=ExperimentalWarning', program] : []), ...(options.args ?? [])];
  const child = spawn(options.command ?? process.execPath, args, {
    cwd: options.cwd ?? checkout,
    env: { ...inherited(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: options.detached ?? false,
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  const watched = watch(child);
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${program}`);
  running.add(child);
  const started: Program = {
    pid,
    ...watched,
    signal: (signal) => void child.kill(signal),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill9: async () => {
      child.kill('SIGKILL');
      await watched.ended;
    },
    stop: (graceMs) => stop(child, watched.ended, graceMs ?? 15_000),
  };
  if (options.ready !== undefined) {
    try {
      await started.line(options.ready, options.readyWithinMs ?? 90_000);
    } catch (error) {
      await started.kill9();
      throw error;
    }
  }
  return started;
}

function inherited(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'LANG', 'NODE_COMPILE_CACHE']) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

type Watched = Pick<Program, 'ended' | 'stdout' | 'stderr' | 'output' | 'line'>;

function watch(child: ChildProcess): Watched {
  const texts = { stdout: '', stderr: '', both: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text;
      texts.both += text;
    });
  }
  let over: Ended | undefined;
  const ended = new Promise<Ended>((resolve) => {
    child.once('error', (error) => {
      texts.both += error.message;
      resolve((over = { code: null, signal: null }));
    });
    // `close` comes after the last output, `exit` may come before it.
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve((over = { code, signal }));
    });
  });
  return {
    ended,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    output: () => texts.both,
    line: async (pattern, timeoutMs = 90_000) => {
      const found = await until(
        () => pattern.exec(texts.both) ?? (over === undefined ? undefined : ('ended before' as const)),
        { what: `a line like ${pattern}`, timeoutMs },
      ).catch((error: Error) => {
        throw new Error(`${error.message}; it printed:\n${texts.both.slice(-4000)}`);
      });
      if (typeof found === 'string')
        throw new Error(
          `ended (${over?.code ?? over?.signal}) before a line like ${pattern}; it printed:\n${texts.both.slice(-4000)}`,
        );
      return found;
    },
  };
}

async function stop(child: ChildProcess, ended: Promise<Ended>, graceMs: number): Promise<Ended> {
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
  try {
    return await ended;
  } finally {
    clearTimeout(timer);
  }
}
