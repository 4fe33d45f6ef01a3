/** `ferry settings log | diff | rollback` */
import { isYes, type CliDeps, type GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { changeLine } from '#cli/print/apply.ts';
import { count, printable, table } from '#cli/print/text.ts';
import { changeLines } from '#cli/print/preview.ts';
import { withHelpdesks, withOperator, withPreview } from '#cli/wire.ts';
import type { Preview } from '#operate/apply/apply.ts';
import type { Change } from '#operate/apply/difference.ts';
import { faultLine } from '#operate/apply/fault-line.ts';
import type { HelpdeskOperator, PreviewOperator } from '#operate/operator.ts';
import { considered, type LinkChange } from '#operate/preview/change.ts';
import { diffSettings, type DiffedSettings } from '#operate/settings/diff.ts';
import { logSettings, type LoggedSettings } from '#operate/settings/log.ts';
import { rollbackSettings, type RolledBack } from '#operate/settings/rollback.ts';

export type LogCommand = GlobalOptions & { readonly limit?: number; readonly json?: boolean };

/** @param what absent: everything. 1 where nothing was ever saved */
export async function log(what: string | undefined, options: LogCommand, deps: CliDeps): Promise<number> {
  const { limit, json } = options;
  const found = await withOperator(options, deps, (operator) => logSettings(operator, { what, limit }));
  if (json === true) for (const one of found) deps.out(`${JSON.stringify(one)}\n`);
  else for (const line of logLines(found)) deps.out(`${line}\n`);
  return found.length === 0 ? exitCodes.no : exitCodes.ok;
}

function logLines(found: readonly LoggedSettings[]): string[] {
  if (found.length === 0) return ['No settings were ever saved.'];
  return table([
    ['AT', 'WHO', 'SETTINGS', 'VERSION', 'CHANGED'],
    ...found.map(({ at, by, subject, version, inForce, changes: [first, ...more] }) => [
      at.slice(0, 19).replace('T', ' '),
      printable(by),
      subject,
      `${version}${inForce ? ' (in force)' : ''}`,
      first === undefined
        ? '-'
        : `${changeLine(withoutSubject(first, subject))}${more.length === 0 ? '' : ` and ${more.length} more`}`,
    ]),
  ]);
}

function withoutSubject(change: Change, subject: string): Change {
  const start = `${subject.replaceAll('/', '.')}.`;
  return change.path.startsWith(start) ? { ...change, path: change.path.slice(start.length) } : change;
}

export type DiffCommand = GlobalOptions & { readonly json?: boolean };

export async function diff(
  what: string,
  from: number | undefined,
  to: number | undefined,
  options: DiffCommand,
  deps: CliDeps,
): Promise<number> {
  const found = await withOperator(options, deps, (operator) => diffSettings(operator, what, { from, to }));
  if (options.json === true) deps.out(`${JSON.stringify(found)}\n`);
  else for (const line of diffLines(found)) deps.out(`${line}\n`);
  return exitCodes.ok;
}

function diffLines({ subject, from, to, changes }: DiffedSettings): string[] {
  const head = ({ version, by, at }: DiffedSettings['from']): string =>
    `version ${version} (${printable(by)}, ${at.slice(0, 19).replace('T', ' ')})`;
  return [
    `${subject}: ${head(from)} → ${head(to)}`,
    ...(changes.length === 0 ? ['Nothing differs.'] : changes.map(changeLine)),
  ];
}

export type RollbackCommand = GlobalOptions & {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly unchecked?: boolean;
  readonly json?: boolean;
};

export async function rollback(
  what: string,
  version: number,
  options: RollbackCommand,
  deps: CliDeps,
): Promise<number> {
  const asks = deps.isInteractive && options.yes !== true && options.json !== true;
  let links: readonly LinkChange[] = [];
  const use = async (operator: HelpdeskOperator & Partial<PreviewOperator>): Promise<number> => {
    const { db, wouldOf } = operator;
    const confirm = (preview: Preview, otherwise: readonly Change[]): Promise<boolean> => {
      for (const line of [...previewLines(preview, otherwise), ...links.flatMap(changeLines)]) deps.out(`${line}\n`);
      return isYes(deps, `Go back to version ${version} of ${what}?`);
    };
    const result = await rollbackSettings(operator, what, version, {
      dryRun: options.dryRun ?? false,
      unchecked: options.unchecked ?? false,
      ...(wouldOf === undefined
        ? {}
        : { consider: async (asIf) => void (links = await considered({ db, wouldOf }, asIf)) }),
      ...(asks ? { confirm } : {}),
    });
    if (options.json === true) deps.out(`${JSON.stringify({ ...result, links })}\n`);
    else say(result, links, asks, deps);
    if (result.outcome === 'wrong') return exitCodes.config;
    return result.outcome === 'declined' || result.outcome === 'overtaken' ? exitCodes.no : exitCodes.ok;
  };
  return options.dryRun === true || asks ? withPreview(options, deps, use) : withHelpdesks(options, deps, use);
}

function previewLines({ changes, warnings }: Preview, otherwise: readonly Change[]): string[] {
  return [
    ...warnings.map((warning) => `! ${printable(warning)}`),
    ...changes.map(changeLine),
    ...(otherwise.length === 0
      ? []
      : [
          `! ${count(otherwise.length, 'line', 'lines')} will not be as in that version, because the profile was changed since; bring the profile back as well if they should be:`,
          ...otherwise.map((change) => `  ${changeLine(change)}`),
        ]),
  ];
}

function say(result: RolledBack, links: readonly LinkChange[], wasShown: boolean, { out, err }: CliDeps): void {
  const { subject, version, outcome, otherwise } = result;
  if (outcome === 'wrong') {
    for (const warning of result.warnings) err(`! ${printable(warning)}\n`);
    for (const fault of result.faults) err(`${printable(faultLine(`version ${version} of ${subject}`, fault))}\n`);
    err(
      `ferry: ${count(result.faults.length, 'fault')} in version ${version} of ${subject} as things are now; nothing was changed [rollback-wrong]\n`,
    );
    return;
  }
  if (!wasShown || outcome === 'unchanged' || outcome === 'dry-run')
    for (const line of [...previewLines(result, otherwise), ...(wasShown ? [] : links.flatMap(changeLines))])
      out(`${line}\n`);
  if (outcome === 'unchanged') out('Nothing to change.\n');
  else if (outcome === 'dry-run') out(`${count(result.changes.length, 'change')} would be made; this was a dry run.\n`);
  else if (outcome === 'applied') out(`${subject} is as in version ${version}; this is a new version of it.\n`);
  else if (outcome === 'declined') out('Nothing was changed.\n');
  else err('ferry: somebody else changed settings meanwhile; nothing was changed, look again [overtaken]\n');
}
