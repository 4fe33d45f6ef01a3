/** `ferry key reseal` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { count, printable } from '#cli/print/text.ts';
import { resealFiles, withOperator } from '#cli/wire.ts';
import { resealContents } from '#operate/keys/reseal-contents.ts';
import { resealSecrets } from '#operate/keys/reseal.ts';

type ResealCommand = GlobalOptions & { readonly json?: boolean };

/** Seals secrets with the first key. Returns 1 if anything stays sealed with another key. */
export async function reseal(options: ResealCommand, deps: CliDeps): Promise<number> {
  const secrets = await withOperator(options, deps, resealSecrets, { secrets: true });
  const { resealed, already, failed } = secrets;
  if (options.json === true) deps.out(`${JSON.stringify({ secrets })}\n`);
  else {
    deps.out(
      `${count(resealed, 'secret')} sealed with the first key of FERRY_SECRET_KEY; ${already} already used it.\n`,
    );
    for (const { text } of failed) deps.out(`${printable(text)}\n`);
    if (failed.length === 0) deps.out('Secrets no longer need the keys after it.\n');
  }
  return failed.length === 0 ? exitCodes.ok : exitCodes.no;
}

/** `--contents`: seals what people wrote, in the database and in files. */
export async function resealAllContents(options: ResealCommand, deps: CliDeps): Promise<number> {
  // Files first: as long as one of them needs the old key, that key has to stay in the list.
  const files = await resealFiles(options, deps);
  const contents = await withOperator(options, deps, (operator) => resealContents(operator));
  if (options.json === true) deps.out(`${JSON.stringify({ contents, files })}\n`);
  else {
    deps.out(
      `${count(contents.resealed, 'value')} and ${count(files.resealed, 'file')} sealed with the first key of FERRY_CONTENT_KEY; ${count(files.already, 'file')} already used it.\n`,
    );
    for (const sha256 of files.failed) deps.out(`The file ${sha256} can't be opened with these keys, or is damaged.\n`);
    if (files.failed.length === 0) deps.out('Contents no longer need the keys after it.\n');
  }
  return files.failed.length === 0 ? exitCodes.ok : exitCodes.no;
}
