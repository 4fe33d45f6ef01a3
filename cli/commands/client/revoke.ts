/** `ferry client revoke` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { withOperator } from '#cli/wire.ts';
import { revokeClient } from '#operate/clients/revoke.ts';

export async function revoke(id: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  const { done, isPeer, link } = await withOperator(options, deps, (operator) => revokeClient(operator, id));
  const undo = isPeer ? ` The other gateway of ${link} can call no more; pair again to undo it.` : '';
  deps.out(
    done
      ? `${id} is revoked: from now on neither its credentials nor its tokens work.${undo}\n`
      : `${id} was revoked before.\n`,
  );
  return exitCodes.ok;
}
