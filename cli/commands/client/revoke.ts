/** `ferry client revoke` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { withOperator } from '#cli/wire.ts';
import { revokeClient } from '#operate/clients/revoke.ts';

export async function revoke(id: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  const { done, isPeer, link } = await withOperator(options, deps, (operator) => revokeClient(operator, id));
  const undo = isPeer ? ` The other gateway of ${link} can no longer call; to undo this, pair again.` : '';
  deps.out(
    done ? `${id} is revoked: its credentials and tokens no longer work.${undo}\n` : `${id} was already revoked.\n`,
  );
  return exitCodes.ok;
}
