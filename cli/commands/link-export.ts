/** `ferry link export` and `purge`: what was carried on a link, for records, and out of the database. */
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { exportLink } from '#db/links/link-export.ts';
import { purgeLink } from '#db/links/link-purge.ts';
import type { GlobalOptions } from '#cli/context.ts';
import type { CliDeps } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { linkOrFail, withLinks } from '#cli/link/open.ts';
import { count } from '#cli/print-apply.ts';

export async function exportTo(
  id: string,
  options: GlobalOptions & { readonly out?: string },
  deps: CliDeps,
): Promise<number> {
  return withLinks(options, deps, { secrets: false }, async ({ db }) => {
    await linkOrFail(db, id);
    if (options.out === undefined) {
      for await (const line of exportLink(db, id)) deps.out(`${JSON.stringify(line)}\n`);
      return exitCodes.ok;
    }
    const file = createWriteStream(resolve(deps.cwd, options.out), { flags: 'wx', mode: 0o600 });
    try {
      await once(file, 'open');
      let lines = 0;
      for await (const line of exportLink(db, id)) {
        lines += 1;
        if (!file.write(`${JSON.stringify(line)}\n`)) await once(file, 'drain');
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
        `${options.out} can't be written (${code}); name a file that is not there yet`,
      );
    }
  });
}

export async function purge(
  id: string,
  options: GlobalOptions & { readonly yes?: boolean },
  deps: CliDeps,
): Promise<number> {
  return withLinks(options, deps, { secrets: false }, async ({ db }) => {
    const { state } = await linkOrFail(db, id);
    if (state !== 'closed')
      throw new CliError(
        'not-closed',
        exitCodes.no,
        state === 'closing'
          ? `the last notes of ${id} are still being written; purge it when ferry link status says that it is closed`
          : `the link ${id} is ${state}; end it first with ferry link close ${id}`,
      );
    if (options.yes !== true) {
      if (!deps.isInteractive)
        throw new CliError(
          'not-asked',
          exitCodes.usage,
          `purging ${id} deletes everything that was carried on it; say --yes`,
        );
      const answer = await deps.ask(`Delete everything that was carried on ${id}? Type its id: `);
      if (answer.trim() !== id) {
        deps.out('Nothing was changed.\n');
        return exitCodes.no;
      }
    }
    const purged = await purgeLink(db, id, 'cli');
    deps.out(
      `${id} is gone: ${count(purged?.mirrors ?? 0, 'mirror')}, ${count(purged?.actions ?? 0, 'action')}. ${count(purged?.files ?? 0, 'file')}, where nothing else has them, go with the next tidying.\n`,
    );
    return exitCodes.ok;
  });
}
