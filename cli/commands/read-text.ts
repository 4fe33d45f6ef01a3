/** Reads a file that somebody names. */
import { readFile } from 'node:fs/promises';
import { CliError, exitCodes } from '#cli/errors.ts';

/** @param shown its name as it was given @throws CliError unreadable-file */
export async function readText(path: string, shown: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(
      'unreadable-file',
      exitCodes.usage,
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
        ? `${shown} is not UTF-8; save it as UTF-8`
        : `${shown} can't be read (${code ?? 'unknown'}); name a readable file`,
    );
  }
}
