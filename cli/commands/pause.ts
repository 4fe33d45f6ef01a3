/** `ferry pause` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { endOf } from '#cli/options.ts';
import { withOperator } from '#cli/wire.ts';
import { pauseLink } from '#operate/links/pause.ts';

export type PauseCommand = GlobalOptions & { readonly until?: string; readonly why?: string };

export async function pause(id: string, options: PauseCommand, deps: CliDeps): Promise<number> {
  const until = endOf('--until', options.until, Date.now());
  const { why } = options;
  if (why === undefined)
    throw new CliError(
      'no-reason',
      exitCodes.usage,
      'give a reason with --why "…", for people who look at the link meanwhile',
    );
  await withOperator(options, deps, (operator) => pauseLink(operator, id, { until, why }));
  deps.out(
    `${id} is paused until ${until.slice(0, 16)}Z: nothing is carried on it, and everything waits. It resumes then, or at once with: ferry link resume ${id}\n`,
  );
  return exitCodes.ok;
}
