/** `ferry link check` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { withOperator } from '#cli/wire.ts';
import { checkLink } from '#operate/pairing/check.ts';
import { followPairing } from './follow.ts';

export async function check(link: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return withOperator(options, deps, async (operator) =>
    followPairing(operator, await checkLink(operator, link), deps),
  );
}
