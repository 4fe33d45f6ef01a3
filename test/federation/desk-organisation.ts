/**
 * An organisation with a real connector to its desk, a gateway and a worker as processes with the programs that people
 * run, and its operator's command line. It is paired and given its settings with that alone.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startProgram, type Ended } from '#test/support/process.ts';
import { startTcpProxy, type TcpProxy } from '#test/support/tcp-proxy.ts';
import { tempDir } from '#test/support/temp.ts';
import { startDeskRig, variables, type AnyDesk, type DeskRig } from './desk-rig.ts';

export type DeskOrganisation = {
  readonly rig: DeskRig;
  /** Before the gateway; everybody else reaches it only through this. */
  readonly line: TcpProxy;
  /** Runs the `ferry` command. Throws its output if it does not end with `code`, 0 by default. */
  ferry(args: readonly string[], code?: number): Promise<Ended & { readonly out: string; readonly err: string }>;
  /** `ferry apply` of a file; secrets are those of `desks`. */
  apply(file: object, desks: readonly AnyDesk[]): Promise<void>;
  close(): Promise<void>;
};

export async function startDeskOrganisation(label: string): Promise<DeskOrganisation> {
  const line = await startTcpProxy();
  const rig = await startDeskRig(label, { line });
  const files = await tempDir();
  const run = async (args: readonly string[], code: number, env: Readonly<Record<string, string>>) => {
    const program = await startProgram({ program: 'bin/ferry.js', args, env: { ...rig.env, ...env } });
    const ended = await program.ended;
    if (ended.code !== code) throw new Error(`ferry ${args.join(' ')} ended with ${ended.code}: ${program.output()}`);
    return { ...ended, out: program.stdout(), err: program.stderr() };
  };
  return {
    rig,
    line,
    ferry: (args, code = 0) => run(args, code, {}),
    async apply(file, desks) {
      const path = join(files.path, 'links.yaml');
      await writeFile(path, stringify(file));
      await run(['apply', path, '--yes'], 0, variables(desks));
    },
    async close() {
      await rig.close();
      await line.close();
      await files.remove();
    },
  };
}

/** The supplier invites, the customer accepts; the link is called the same at both. Throws unless all checks pass. */
export async function pairDesks(
  customer: { readonly organisation: DeskOrganisation; readonly instance: string },
  supplier: { readonly organisation: DeskOrganisation; readonly instance: string },
  link: string,
): Promise<void> {
  const called = ['--link', link];
  const inviting = ['link', 'invite', '--as', 'supplier', '--instance', supplier.instance, ...called];
  const { out } = await supplier.organisation.ferry(inviting);
  const code = /\bferry_[\w-]+/.exec(out)?.[0] ?? '';
  await customer.organisation.ferry(['link', 'accept', code, '--instance', customer.instance, ...called]);
}
