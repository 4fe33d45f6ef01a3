/** How to type a `ferry` command for this Ferry: in a checkout, with an installed package, or with npx. */
import { relative, resolve } from 'node:path';

import { isInstalled, packageFile } from '#config/tree.ts';
import { defaultDataDir } from './paths.ts';
import { shellWord } from './shell.ts';

/**
 * Writes a command to paste into the terminal in which this one was started.
 * @param words such as `status`, or `trace acme 1001` @param data the data directory of the Ferry
 */
export function ferryCommand(words: string, data: string): string {
  const isDefault = resolve(data) === resolve(defaultDataDir());
  return [program(), words, ...(isDefault ? [] : ['--data', shellWord(resolve(data))])].join(' ');
}

function program(): string {
  // `npm exec` is npx.
  if (isInstalled) return process.env['npm_command'] === 'exec' ? 'npx ticket-ferry' : 'ferry';
  const bin = packageFile('bin/ferry.js');
  // npm changes to the package's directory, and names the original one in a variable.
  const below = relative(process.env['INIT_CWD'] ?? process.cwd(), bin);
  return shellWord(below.startsWith('..') ? bin : below);
}
