/** `ferry check <instance>`: what of a helpdesk is as Ferry takes it to be, a line for each thing asked. */
import { isYes, type CliDeps, type GlobalOptions } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { count, printable } from '#cli/print/text.ts';
import { withCheck } from '#cli/wire.ts';
import { checkInstance, cleanTrials, isBad, reportOf } from '#operate/check/check.ts';

type Found = Parameters<typeof reportOf>[1][number];

export type CheckCommand = {
  readonly json?: boolean;
  readonly report?: boolean;
  /** A ticket for a trial. */
  readonly write?: string;
  readonly yes?: boolean;
  /** Only deletes what killed trials left. */
  readonly clean?: boolean;
};

/** 1 where something differs or is not allowed. */
export async function check(instance: string, options: CheckCommand & GlobalOptions, deps: CliDeps): Promise<number> {
  const { out, signal } = deps;
  const write = options.write ?? null;
  const isClean = options.clean === true;
  if (isClean && (write !== null || options.report === true))
    throw new CliError(
      'not-together',
      exitCodes.usage,
      '--clean asks and writes nothing: leave out --write and --report',
    );
  if (write !== null && options.yes !== true) {
    const question = `Write notes, files, a status and a field on ticket ${printable(write)} of ${printable(instance)}, and delete them again? What can't be deleted there stays, and is named.`;
    if (!deps.isInteractive) throw new CliError('not-asked', exitCodes.usage, '--write takes a yes: add --yes');
    if (!(await isYes(deps, question))) {
      out('Nothing was asked or written.\n');
      return exitCodes.no;
    }
  }
  const findings = await withCheck(options, deps, async (operator) => {
    const all: Found[] = [];
    const { type, findings: coming } = isClean
      ? await cleanTrials(operator, instance)
      : await checkInstance(operator, instance, signal, write);
    for await (const finding of coming) {
      all.push(finding);
      if (options.report === true) continue;
      // As they come: a slow helpdesk shows where it is slow.
      if (options.json === true) out(`${JSON.stringify(finding)}\n`);
      else for (const line of linesOf(finding)) out(`${line}\n`);
    }
    if (options.report === true) out(`${JSON.stringify(reportOf(type, all))}\n`);
    return all;
  });
  if (signal.aborted) {
    deps.err('It was interrupted, so not everything was asked.\n');
    return exitCodes.no;
  }
  const bad = findings.filter(isBad).length;
  if (isClean && findings.length === 0) out('No trial left anything.\n');
  else if (options.json !== true && options.report !== true) {
    const open = findings.filter(({ verdict }) => verdict === 'unknown').length;
    const end = bad === 0 ? 'nothing has to be done' : `${count(bad, 'thing has', 'things have')} to be set right`;
    out(`${count(findings.length, 'finding')}, ${open} of them unknown; ${end}.\n`);
  }
  return bad === 0 ? exitCodes.ok : exitCodes.no;
}

const widest = 'not allowed'.length;

function linesOf({ name, about, verdict, where, saw, fix }: Found): string[] {
  const what = about === undefined ? name : `${name} "${about}"`;
  const seen = [where === undefined ? undefined : `at ${where}`, saw].filter((part) => part !== undefined).join(': ');
  return [
    printable(`${verdict.replace('-', ' ').padEnd(widest)}  ${what}${seen === '' ? '' : `: ${seen}`}`),
    ...(fix === undefined ? [] : [printable(`${' '.repeat(widest)}  ${fix}`)]),
  ];
}
