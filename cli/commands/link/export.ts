/** `ferry link export` */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { count } from '#cli/print/text.ts';
import { withOperator } from '#cli/wire.ts';
import { exportLink } from '#operate/links/export.ts';

export async function exportTo(
  id: string,
  options: GlobalOptions & { readonly out?: string },
  deps: CliDeps,
): Promise<number> {
  return withOperator(options, deps, async (operator) => {
    const exported = exportLink(operator, id);
    if (options.out === undefined) {
      for await (const line of exported) deps.out(`${JSON.stringify(line)}\n`);
      return exitCodes.ok;
    }
    // A link that does not exist leaves no file.
    const first = await exported.next();
    const file = createWriteStream(resolve(deps.cwd, options.out), { flags: 'wx', mode: 0o600 });
    try {
      await once(file, 'open');
      let lines = 0;
      for (let at = first; at.done !== true; at = await exported.next()) {
        lines += 1;
        if (!file.write(`${JSON.stringify(at.value)}\n`)) await once(file, 'drain');
      }
      file.end();
      await once(file, 'finish');
      deps.out(`${count(lines, 'line')} in ${options.out}.\n`);
      return exitCodes.ok;
    } catch (error) {
      file.destroy();
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST' && code !== 'EACCES' && code !== 'ENOENT' && code !== 'ENOSPC' && code !== 'EISDIR')
        throw error;
      throw new CliError(
        'unwritable-file',
        exitCodes.usage,
        `${options.out} can't be written (${code}); name a file that does not exist yet`,
      );
    }
  });
}
