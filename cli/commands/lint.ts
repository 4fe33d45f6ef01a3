/** `ferry lint` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { count, printable } from '#cli/print/text.ts';
import { withOperator } from '#cli/wire.ts';
import { lintLinks, type LintedLink } from '#operate/lint/lint.ts';

/** 1 where an error is found; warnings alone are 0. */
export async function lint(
  link: string | undefined,
  options: GlobalOptions & { readonly json?: boolean },
  deps: CliDeps,
): Promise<number> {
  const linted = await withOperator(options, deps, (operator) => lintLinks(operator, link));
  const errors = numberOf(linted, 'error');
  if (options.json === true) deps.out(`${JSON.stringify({ links: linted, errors })}\n`);
  else for (const line of lines(linted)) deps.out(`${line}\n`);
  return errors === 0 ? exitCodes.ok : exitCodes.no;
}

function numberOf(linted: readonly LintedLink[], severity: 'error' | 'warning'): number {
  return linted.flatMap(({ findings }) => findings).filter((one) => one.severity === severity).length;
}

function lines(linted: readonly LintedLink[]): readonly string[] {
  if (linted.length === 0)
    return ['No links yet: ferry apply for helpdesks of this gateway, ferry link invite for another one.'];
  const [errors, warnings] = [numberOf(linted, 'error'), numberOf(linted, 'warning')];
  const pages = errors + warnings === 0 ? '' : ' Each code has a page in docs/findings.';
  return [
    ...linted.flatMap(({ link, findings, unknown }) => [
      ...unknown.map((instance) =>
        printable(`${link}: what ${instance} offers is not known, so its names were not checked.`),
      ),
      ...findings.map(({ code, severity, place, why, fix }) =>
        printable(`${link}: ${severity}: ${place}: ${why} ${fix} [${code}]`),
      ),
    ]),
    `${count(linted.length, 'link')}: ${count(errors, 'error')}, ${count(warnings, 'warning')}.${pages}`,
  ];
}
