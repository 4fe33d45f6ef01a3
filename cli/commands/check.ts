/** `ferry check <instance>`: what of a helpdesk is as Ferry takes it to be, a line for each thing asked. */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { count, printable } from '#cli/print/text.ts';
import { withCheck } from '#cli/wire.ts';
import { checkInstance, isBad, reportOf } from '#operate/check/check.ts';

type Found = Parameters<typeof reportOf>[1][number];

export type CheckCommand = { readonly json?: boolean; readonly report?: boolean };

/** 1 where something differs or is not allowed. */
export async function check(instance: string, options: CheckCommand & GlobalOptions, deps: CliDeps): Promise<number> {
  const { out, signal } = deps;
  const findings = await withCheck(options, deps, async (operator) => {
    const all: Found[] = [];
    const { type, findings: coming } = await checkInstance(operator, instance, signal);
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
  const bad = findings.filter(isBad).length;
  if (options.json !== true && options.report !== true) {
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
