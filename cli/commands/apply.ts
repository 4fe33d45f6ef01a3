/** `ferry apply links.yaml` */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isYes, type CliDeps, type GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { changeLine } from '#cli/print/apply.ts';
import { count, printable } from '#cli/print/text.ts';
import { changeLines } from '#cli/print/preview.ts';
import { withHelpdesks, withPreview } from '#cli/wire.ts';
import { applyLinks } from '#operate/apply/apply.ts';
import type { ApplyResult, Preview } from '#operate/apply/apply.ts';
import { faultLine } from '#operate/apply/fault-line.ts';
import type { HelpdeskOperator, PreviewOperator } from '#operate/operator.ts';
import { considered, type LinkChange } from '#operate/preview/change.ts';
import { readText } from './read-text.ts';

export type ApplyCommand = GlobalOptions & {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly unchecked?: boolean;
  readonly moved?: readonly string[];
  readonly new?: readonly string[];
};

export async function apply(file: string, options: ApplyCommand, deps: CliDeps): Promise<number> {
  const path = resolve(deps.cwd, file);
  const text = await readText(path, file);
  const folder = dirname(path);
  const asks = deps.isInteractive && options.yes !== true && options.json !== true;
  let links: readonly LinkChange[] = [];
  const use = async (
    operator: HelpdeskOperator & Partial<PreviewOperator>,
    variables: Readonly<Record<string, string>>,
  ): Promise<number> => {
    const { db, wouldOf } = operator;
    const secrets = {
      env: { ...variables, ...deps.env },
      readSecretFile: (name: string) => readFile(resolve(folder, name), 'utf8'),
    };
    const result = await applyLinks(operator, text, secrets, {
      dryRun: options.dryRun ?? false,
      unchecked: options.unchecked ?? false,
      moved: options.moved ?? [],
      replaced: options.new ?? [],
      ...(wouldOf === undefined
        ? {}
        : { consider: async (asIf) => void (links = await considered({ db, wouldOf }, asIf)) }),
      ...(asks ? { confirm: (preview) => confirm(preview, links, file, deps) } : {}),
    });
    if (options.json === true) deps.out(`${JSON.stringify({ ...result, otherwise: links })}\n`);
    else say(result, links, file, asks, deps);
    return exitCodeOf(result);
  };
  // Who is not shown what would end otherwise does not wait for it.
  return options.dryRun === true || asks ? withPreview(options, deps, use) : withHelpdesks(options, deps, use);
}

async function confirm(preview: Preview, links: readonly LinkChange[], file: string, deps: CliDeps): Promise<boolean> {
  for (const line of [...previewLines(preview, file), ...links.flatMap(changeLines)]) deps.out(`${line}\n`);
  return isYes(deps, `Apply ${count(preview.changes.length, 'change')}?`);
}

function previewLines(preview: Preview, file: string): string[] {
  return [...lookLines(preview, file), ...preview.changes.map((change) => changeLine(change))];
}

/** What can be saved, and somebody should look at. */
function lookLines({ warnings, advice }: Pick<Preview, 'warnings' | 'advice'>, file: string): string[] {
  return [...warnings, ...advice.map((one) => faultLine(file, one))].map((line) => `! ${printable(line)}`);
}

function say(
  result: ApplyResult,
  links: readonly LinkChange[],
  file: string,
  wasShown: boolean,
  { out, err }: CliDeps,
): void {
  const number = count(result.changes.length, 'change');
  if (result.outcome === 'wrong') {
    for (const line of lookLines(result, file)) err(`${line}\n`);
    for (const fault of result.faults) err(`${printable(faultLine(file, fault))}\n`);
    err(`ferry: ${count(result.faults.length, 'fault')} in ${file}; nothing was changed [links-wrong]\n`);
    return;
  }
  // Nothing is saved then, and ferry lint says what there is to say of what is in force.
  const shown = result.outcome === 'unchanged' ? { ...result, advice: [] } : result;
  if (!wasShown || result.outcome === 'unchanged' || result.outcome === 'dry-run')
    for (const line of [...previewLines(shown, file), ...(wasShown ? [] : links.flatMap(changeLines))])
      out(`${line}\n`);
  if (result.outcome === 'unchanged') out('Nothing to change.\n');
  else if (result.outcome === 'dry-run') out(`${number} would be made; this was a dry run, so nothing was changed.\n`);
  else if (result.outcome === 'applied') out(`${number} made.\n`);
  else if (result.outcome === 'declined') out('Nothing was changed.\n');
  else
    err(
      'ferry: somebody changed the settings at the same time; nothing was changed. Review the difference, then apply again [overtaken]\n',
    );
}

function exitCodeOf({ outcome }: ApplyResult): number {
  if (outcome === 'wrong') return exitCodes.config;
  return outcome === 'declined' || outcome === 'overtaken' ? exitCodes.no : exitCodes.ok;
}
