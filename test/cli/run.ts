// Runs the `ferry` command in this process and captures its output.
import { runCli } from '#cli/program.ts';
import type { CliDeps } from '#cli/deps.ts';

export type Ran = { readonly code: number; readonly out: string; readonly err: string };

export async function ferry(
  args: readonly string[],
  { heard, ...change }: Partial<CliDeps> & { readonly heard?: (text: string) => void } = {},
): Promise<Ran> {
  let out = '';
  let err = '';
  const never = (): Promise<number> => Promise.reject(new Error('not in this test'));
  const code = await runCli(args, {
    version: '0.0.0',
    env: {},
    account: () => 'ann',
    cwd: import.meta.dirname,
    out: (text) => {
      out += text;
      heard?.(text);
    },
    err: (text) => void (err += text),
    isInteractive: false,
    ask: () => Promise.reject(new Error('nobody to ask')),
    findRunning: () => Promise.resolve(null),
    programs: { start: never, gateway: never, worker: never },
    signal: new AbortController().signal,
    ...change,
  });
  return { code, out, err };
}
