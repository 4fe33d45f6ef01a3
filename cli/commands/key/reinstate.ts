/** `ferry key reinstate` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { reinstatedLine } from '#cli/print/key.ts';
import { printable } from '#cli/print/text.ts';
import { withOperator } from '#cli/wire.ts';
import { reinstate as reinstateKey } from '#operate/keys/reinstate.ts';
import type { RetireOptions } from '#operate/keys/retire.ts';

/** Accepts a key of another organisation again that was retired by mistake. */
export async function reinstate(kid: string, options: GlobalOptions & RetireOptions, deps: CliDeps): Promise<number> {
  const { origin, because } = options;
  const { origin: whose } = await withOperator(options, deps, (operator) =>
    reinstateKey(operator, kid, { origin, because }),
  );
  deps.out(`${printable(reinstatedLine(kid, whose))}\n`);
  return exitCodes.ok;
}
