/** `ferry preview` */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { sideOption } from '#cli/options.ts';
import { changeLines, ticketLines } from '#cli/print/preview.ts';
import { count, printable } from '#cli/print/text.ts';
import { withPreview } from '#cli/wire.ts';
import { faultLine } from '#operate/apply/fault-line.ts';
import type { ApplyResult } from '#operate/apply/apply.ts';
import { previewFile, settingsOf } from '#operate/preview/change.ts';
import { previewTicket } from '#operate/preview/ticket.ts';
import { readText } from './read-text.ts';

export type PreviewCommand = GlobalOptions & {
  readonly link?: string;
  readonly ticket?: string;
  readonly side?: string;
  readonly file?: string;
  readonly last?: number;
  readonly notes?: boolean;
  readonly unchecked?: boolean;
  readonly json?: boolean;
};

export async function preview(options: PreviewCommand, deps: CliDeps): Promise<number> {
  const { link, ticket, side, file, last, notes, unchecked = false, json } = options;
  if (file === undefined && (link === undefined || ticket === undefined))
    throw new CliError(
      'nothing-to-preview',
      exitCodes.usage,
      'name a ticket with --link ID --ticket NUMBER, or a changed file with --file links.yaml, or both',
    );
  if (ticket !== undefined && link === undefined)
    throw new CliError('no-link', exitCodes.usage, 'say with --link on which link; ferry status lists them');
  const path = file === undefined ? null : resolve(deps.cwd, file);
  const text = path === null ? null : await readText(path, file ?? '');
  return withPreview(options, deps, async (operator, variables) => {
    const secrets = {
      env: { ...variables, ...deps.env },
      readSecretFile: (name: string) => readFile(resolve(dirname(path ?? '.'), name), 'utf8'),
    };
    if (ticket === undefined || link === undefined) {
      const { result, links } = await previewFile(operator, text ?? '', secrets, { link, last, notes, unchecked });
      if (json === true) deps.out(`${JSON.stringify({ ...result, otherwise: links })}\n`);
      else if (result.outcome === 'wrong') sayWrong(result, file ?? '', deps);
      else
        for (const line of links.length === 0
          ? ['No link is concerned by what the file changes.']
          : links.flatMap(changeLines))
          deps.out(`${line}\n`);
      return result.outcome === 'wrong' ? exitCodes.config : exitCodes.ok;
    }
    const given = text === null ? null : await settingsOf(operator, text, secrets, { unchecked });
    if (given !== null && given.result.outcome === 'wrong') {
      if (json === true) deps.out(`${JSON.stringify(given.result)}\n`);
      else sayWrong(given.result, file ?? '', deps);
      return exitCodes.config;
    }
    const found = await previewTicket(operator, {
      ...{ link, ticket, notes },
      side: side === undefined ? undefined : sideOption(side, `"${side}" is no side; write customer or supplier`),
      asIf: given?.asIf,
    });
    if (json === true) deps.out(`${JSON.stringify(found)}\n`);
    else for (const line of ticketLines(found)) deps.out(`${line}\n`);
    return exitCodes.ok;
  });
}

function sayWrong(result: Extract<ApplyResult, { outcome: 'wrong' }>, file: string, { err }: CliDeps): void {
  for (const fault of result.faults) err(`${printable(faultLine(file, fault))}\n`);
  err(`ferry: ${count(result.faults.length, 'fault')} in ${file}; nothing was previewed [links-wrong]\n`);
}
