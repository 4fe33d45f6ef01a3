/** `ferry link purge` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { count } from '#cli/print/text.ts';
import { withOperator } from '#cli/wire.ts';
import { purgeLink } from '#operate/links/purge.ts';

export async function purge(
  id: string,
  options: GlobalOptions & { readonly yes?: boolean },
  deps: CliDeps,
): Promise<number> {
  const confirm = async (): Promise<boolean> => {
    if (!deps.isInteractive)
      throw new CliError(
        'not-asked',
        exitCodes.usage,
        `purging ${id} deletes everything that was carried on it; confirm with --yes`,
      );
    return (await deps.ask(`Delete everything that was carried on ${id}? Type its id: `)).trim() === id;
  };
  const purged = await withOperator(options, deps, (operator) =>
    purgeLink(operator, id, options.yes === true ? undefined : confirm),
  );
  if (purged === null) {
    deps.out('Nothing was changed.\n');
    return exitCodes.no;
  }
  const { mirrors, actions, files } = purged;
  deps.out(
    `Deleted ${id}: ${count(mirrors, 'mirror')}, ${count(actions, 'action')}. Unless something else uses them, ${count(files, 'file')} will be deleted by the next cleanup.\n`,
  );
  return exitCodes.ok;
}
