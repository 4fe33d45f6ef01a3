/** Finds out who runs the command: the name that the audit keeps. */
import { CliError, exitCodes } from './errors.ts';
import type { CliDeps } from './deps.ts';

const mostCharacters = 100;

/** Returns `--as NAME`, or else the operating system's account; under sudo, the account that called it. */
export function nameOf(given: string | undefined, { account }: Pick<CliDeps, 'account'>): string {
  if (given === undefined) return account();
  const name = given.trim();
  // Desks, terminals and logs show the name.
  if (name !== '' && name.length <= mostCharacters && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(name)) return name;
  throw new CliError(
    'not-a-name',
    exitCodes.usage,
    `the text after --as is not a name; write a person's name, at most ${mostCharacters} characters on one line`,
  );
}
