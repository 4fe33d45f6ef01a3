/** `ferry key retire` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { retiredLine } from '#cli/print/key.ts';
import { printable } from '#cli/print/text.ts';
import { withOperator } from '#cli/wire.ts';
import { retire as retireKey, type RetireOptions } from '#operate/keys/retire.ts';

/** Shuts out a key that may be stolen: one of ours, or one of another organisation. */
export async function retire(kid: string, options: GlobalOptions & RetireOptions, deps: CliDeps): Promise<number> {
  const { origin, because } = options;
  const retired = await withOperator(options, deps, (operator) => retireKey(operator, kid, { origin, because }), {
    secrets: true,
  });
  deps.out(`${printable(retiredLine(kid, retired))}\n`);
  return exitCodes.ok;
}
