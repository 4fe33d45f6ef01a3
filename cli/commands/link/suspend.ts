/** `ferry link suspend` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { withOperator } from '#cli/wire.ts';
import { suspendLink } from '#operate/links/suspend.ts';

export async function suspend(
  id: string,
  options: GlobalOptions & { readonly because?: string },
  deps: CliDeps,
): Promise<number> {
  await withOperator(options, deps, (operator) => suspendLink(operator, id, options.because));
  deps.out(
    `${id} is suspended: nothing is carried on it, and everything waits. To continue: ferry link resume ${id}\n`,
  );
  return exitCodes.ok;
}
