/**
 * `ferry check <instance>`: tests Ferry's assumptions about a helpdesk and prints a line for each probe. If another gateway
 * drives the helpdesk, it runs the checks of `ferry link check` for each of the instance's links.
 */
import { isYes, type CliDeps, type GlobalOptions } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { count, printable } from '#cli/print/text.ts';
import { withCheck } from '#cli/wire.ts';
import { otherSide } from '#core/words/ends.ts';
import { linksToPeer } from '#operate/check/peer.ts';
import { checkLink } from '#operate/pairing/check.ts';
import type { Operator } from '#operate/operator.ts';
import { followPairing } from './link/follow.ts';
import { checkInstance, cleanTrials, isBad, reportOf } from '#operate/check/check.ts';

type Found = Parameters<typeof reportOf>[1][number];

export type CheckCommand = {
  readonly json?: boolean;
  readonly report?: boolean;
  /** The ticket on which to try what Ferry writes. */
  readonly write?: string;
  readonly yes?: boolean;
  /** Only delete what killed trials left. */
  readonly clean?: boolean;
};

/** Returns 1 if anything differs or is not allowed. */
export async function check(instance: string, options: CheckCommand & GlobalOptions, deps: CliDeps): Promise<number> {
  const { out, signal } = deps;
  const write = options.write ?? null;
  const isClean = options.clean === true;
  if (isClean && (write !== null || options.report === true))
    throw new CliError('not-together', exitCodes.usage, '--clean only deletes: leave out --write and --report');
  if (write !== null && options.yes !== true) {
    const question = `Write notes, files, a status and a field on ticket ${printable(write)} of ${printable(instance)}, and delete them again? Ferry lists whatever can't be deleted there.`;
    if (!deps.isInteractive) throw new CliError('not-asked', exitCodes.usage, '--write needs confirmation: add --yes');
    if (!(await isYes(deps, question))) {
      out('Nothing was checked or written.\n');
      return exitCodes.no;
    }
  }
  const findings = await withCheck(options, deps, async (operator) => {
    const links = await linksToPeer(operator, instance);
    if (links !== null) return checkPeer(operator, instance, links, options, deps);
    const all: Found[] = [];
    const told = new Map<string, string>();
    const { type, findings: coming } = isClean
      ? await cleanTrials(operator, instance)
      : await checkInstance(operator, instance, signal, write);
    for await (const finding of coming) {
      all.push(finding);
      if (options.report === true) continue;
      // Print each finding at once: a slow helpdesk shows where it is slow.
      if (options.json === true) out(`${JSON.stringify(finding)}\n`);
      else for (const line of linesOf(onceTold(finding, told))) out(`${line}\n`);
    }
    if (options.report === true) out(`${JSON.stringify(reportOf(type, all))}\n`);
    return all;
  });
  if (typeof findings === 'number') return findings;
  if (signal.aborted) {
    deps.err('The check was interrupted, so it is incomplete.\n');
    return exitCodes.no;
  }
  const bad = findings.filter(isBad).length;
  if (isClean && findings.length === 0) out('There was nothing to clean up.\n');
  else if (options.json !== true && options.report !== true) {
    const open = findings.filter(({ verdict }) => verdict === 'unknown').length;
    const end = bad === 0 ? 'nothing has to be done' : `${count(bad, 'thing has', 'things have')} to be corrected`;
    out(`${count(findings.length, 'finding')}, ${open} of them unknown; ${end}.\n`);
  }
  return bad === 0 ? exitCodes.ok : exitCodes.no;
}

/** How long to wait for a worker to make the checks. Milliseconds. */
const peerWithinMs = 60_000;

/** Runs the checks of the instance's links. Returns the exit code. */
async function checkPeer(
  operator: Operator,
  instance: string,
  links: readonly string[],
  { json, write, report, clean }: CheckCommand,
  deps: CliDeps,
): Promise<number> {
  if (write !== undefined || report === true || clean === true)
    throw new CliError(
      'not-together',
      exitCodes.usage,
      `another gateway drives ${printable(instance)}: only its operators can use --write, --report and --clean`,
    );
  let code: number = exitCodes.ok;
  for (const link of links) {
    if (json !== true)
      deps.out(printable(`Another gateway drives ${instance}; this is what ferry link check ${link} finds.`) + '\n');
    const id = await checkLink(operator, link);
    const late = AbortSignal.timeout(peerWithinMs);
    const ended = await followPairing(
      operator,
      id,
      { ...deps, signal: AbortSignal.any([deps.signal, late]) },
      {
        isQuiet: json === true,
        lineOf: (one, { side }) => {
          const way = one.direction === 'ours' ? `${side} to ${otherSide(side)}` : `${otherSide(side)} to ${side}`;
          const finding: Found = { name: one.name, about: way, verdict: one.ok ? 'ok' : 'differs', saw: one.text };
          return json === true ? JSON.stringify(finding) : linesOf(finding).join('\n');
        },
      },
    );
    if (late.aborted && !deps.signal.aborted)
      deps.err(
        `ferry: no worker made the checks of ${printable(link)} within ${peerWithinMs / 1_000} s; make sure that ferry worker and Temporal are running (ferry status) [no-worker]\n`,
      );
    code = Math.max(code, ended);
  }
  return code;
}

const widest = 'not allowed'.length;

/** Prints a finding that many probes share, such as a wrong secret, only the first time. */
function onceTold(finding: Found, told: Map<string, string>): Found {
  const { name, about, saw, fix, ...rest } = finding;
  if (!isBad(finding) || saw === undefined) return finding;
  const reason = `${saw} ${fix ?? ''}`;
  const before = told.get(reason);
  if (before === undefined) {
    told.set(reason, named(finding));
    return finding;
  }
  return { name, ...(about === undefined ? {} : { about }), ...rest, saw: `the same as ${before}` };
}

function named({ name, about }: Found): string {
  return about === undefined ? name : `${name} "${about}"`;
}

function linesOf(finding: Found): string[] {
  const { verdict, where, saw, fix } = finding;
  const what = named(finding);
  const seen = [where === undefined ? undefined : `at ${where}`, saw].filter((part) => part !== undefined).join(': ');
  return [
    printable(`${verdict.replace('-', ' ').padEnd(widest)}  ${what}${seen === '' ? '' : `: ${seen}`}`),
    ...(fix === undefined ? [] : [printable(`${' '.repeat(widest)}  ${fix}`)]),
  ];
}
