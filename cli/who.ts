/** Who types: the name that the audit keeps. */
import { CliError, exitCodes } from './errors.ts';
import type { CliDeps } from './deps.ts';

const mostCharacters = 100;

/** `--as NAME`, else the account of the operating system; that of the person where sudo changed it. */
export function nameOf(given: string | undefined, { account }: Pick<CliDeps, 'account'>): string {
  if (given === undefined) return account();
  const name = given.trim();
  // Desks, terminals and logs show it.
  if (name !== '' && name.length <= mostCharacters && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(name)) return name;
  throw new CliError(
    'not-a-name',
    exitCodes.usage,
    `what --as says is no name; write the name of a person, at most ${mostCharacters} characters on one line`,
  );
}
