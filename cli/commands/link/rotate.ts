/** `ferry link rotate` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { keyLine } from '#cli/print/key.ts';
import { withOperator } from '#cli/wire.ts';
import { rotateLink } from '#operate/links/rotate.ts';

export async function rotate(link: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  const rotated = await withOperator(options, deps, (operator) => rotateLink(operator, link), { secrets: true });
  if ('key' in rotated) {
    deps.out(`${keyLine(rotated.key, Date.now())}\n`);
    return exitCodes.ok;
  }
  for (const { client, secret } of rotated.clients) deps.out(`${client}\n  client_secret  ${secret}\n`);
  deps.out('They are shown only this once. The previous secrets work for another 24 hours.\n');
  return exitCodes.ok;
}
