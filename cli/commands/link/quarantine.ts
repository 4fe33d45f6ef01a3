/** `ferry link quarantine` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { withOperator } from '#cli/wire.ts';
import { quarantineLink } from '#operate/links/quarantine.ts';

export async function quarantine(id: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  await withOperator(options, deps, (operator) => quarantineLink(operator, id));
  deps.out(`${id} is in quarantine: nothing is carried on it. To compare and continue: ferry link resume ${id}\n`);
  return exitCodes.ok;
}
