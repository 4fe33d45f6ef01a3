/** `ferry key reseal` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { count, printable } from '#cli/print/text.ts';
import { resealFiles, withOperator } from '#cli/wire.ts';
import { resealContents } from '#operate/keys/reseal-contents.ts';
import { resealSecrets } from '#operate/keys/reseal.ts';

type ResealCommand = GlobalOptions & { readonly json?: boolean };

/** 1 where something stays sealed with another key. */
export async function reseal(options: ResealCommand, deps: CliDeps): Promise<number> {
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

/** `--contents`: what people wrote, in the database and in files. */
export async function resealAllContents(options: ResealCommand, deps: CliDeps): Promise<number> {
  // Files first: while one is not sealed with the new key, the old one has to stay known.
  const files = await resealFiles(options, deps);
  const contents = await withOperator(options, deps, (operator) => resealContents(operator));
  if (options.json === true) deps.out(`${JSON.stringify({ contents, files })}\n`);
  else {
    deps.out(
      `${count(contents.resealed, 'value')} and ${count(files.resealed, 'file')} sealed with the first key of FERRY_CONTENT_KEY; ${count(files.already, 'file')} had it already.\n`,
    );
    for (const sha256 of files.failed) deps.out(`The file ${sha256} can't be opened with these keys, or is damaged.\n`);
    if (files.failed.length === 0) deps.out('Nothing is sealed with the keys after it any more.\n');
  }
  return files.failed.length === 0 ? exitCodes.ok : exitCodes.no;
}
