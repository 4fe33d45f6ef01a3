/** `ferry key reseal` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { count, printable } from '#cli/print/text.ts';
import { withOperator } from '#cli/wire.ts';
import { resealSecrets } from '#operate/keys/reseal.ts';

/** 1 where something stays sealed with another key. */
export async function reseal(options: GlobalOptions & { readonly json?: boolean }, deps: CliDeps): Promise<number> {
  const secrets = await withOperator(options, deps, resealSecrets, { secrets: true });
  const { resealed, already, failed } = secrets;
  if (options.json === true) deps.out(`${JSON.stringify({ secrets })}\n`);
  else {
    deps.out(
      `${count(resealed, 'secret')} sealed with the first key of FERRY_SECRET_KEY, ${already} had it already.\n`,
    );
    for (const { text } of failed) deps.out(`${printable(text)}\n`);
    if (failed.length === 0) deps.out('The keys after it are no longer needed for secrets.\n');
  }
  return failed.length === 0 ? exitCodes.ok : exitCodes.no;
}
