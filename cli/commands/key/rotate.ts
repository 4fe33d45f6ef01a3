/** `ferry key rotate` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { keyLine } from '#cli/print/key.ts';
import { withOperator } from '#cli/wire.ts';
import { rotateKeys } from '#operate/keys/rotate.ts';

/** Rotates all keys of an instance, or those of one use. */
export async function rotate(
  instance: string,
  options: GlobalOptions & { readonly use?: string },
  deps: CliDeps,
): Promise<number> {
  const keys = await withOperator(options, deps, (operator) => rotateKeys(operator, instance, options.use), {
    secrets: true,
  });
  for (const key of keys) deps.out(`${keyLine(key, Date.now())}\n`);
  return exitCodes.ok;
}
