/** `ferry client rotate` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { withOperator } from '#cli/wire.ts';
import { rotateClient } from '#operate/clients/rotate.ts';

export async function rotate(
  id: string,
  options: GlobalOptions & { readonly dpop?: boolean },
  deps: CliDeps,
): Promise<number> {
  const secret = await withOperator(options, deps, (operator) => rotateClient(operator, id, options.dpop === true));
  deps.out(`client_secret  ${secret}\n`);
  deps.out('It is shown only this once. The previous secrets work for another 24 hours.\n');
  return exitCodes.ok;
}
