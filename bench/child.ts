/**
 * One process of the benchmark: started with this Node, ready once it prints a line of JSON, and ended with the run.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type Child = {
  readonly pid: number;
  /** The line it printed when it was ready. */
  readonly ready: Readonly<Record<string, unknown>>;
  /** Returns what it has lately written to stderr. */
  said(): string;
  /** Asks it to leave, and kills it if it has not left within 20 s. */
  stop(): Promise<void>;
};

export type ChildOptions = {
  /** Path below the root of the checkout. */
  readonly program: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where it writes a CPU profile when it ends. */
  readonly profile?: string | undefined;
};

const root = new URL('../', import.meta.url);
const graceMs = 20_000;
const keptChars = 8_000;

const running = new Set<ChildProcess>();
// However the run ends, none of its processes stays.
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export async function startChild(options: ChildOptions): Promise<Child> {
  const profile = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`];
  const program = fileURLToPath(new URL(options.program, root));
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...profile, program, ...(options.args ?? [])],
    {
      cwd: fileURLToPath(root),
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  running.add(child);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  void ended.then(() => running.delete(child));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-keptChars);
  });
  const ready = await firstLine(child, options.program, () => said);
  return {
    pid: child.pid ?? 0,
    ready,
    said: () => said,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Waits for the line that says ready. Any line before it belongs to a log. */
function firstLine(child: ChildProcess, program: string, said: () => string): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-keptChars);
      const line = /^\{.*"ready":true.*\}$/m.exec(text);
      if (line !== null) resolve(JSON.parse(line[0]) as Record<string, unknown>);
    });
    child.once('error', reject);
    child.once('close', (code) =>
      reject(new Error(`${program} ended (${code}) before it was ready:\n${said()}${text}`)),
    );
  });
}
