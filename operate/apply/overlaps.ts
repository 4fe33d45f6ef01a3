/** Finds links on which the same action would escalate, among all links of one customer instance, in the file and stored. */
import { overlapOf } from '#core/lint/lint-overlap.ts';
import { describeCondition } from '#core/rules/criteria.ts';
import type { Condition } from '#core/rules/settings.ts';
import { pathText, type Finding, type Path } from './fault.ts';
import type { SideInFile } from './sides.ts';
import type { Stored } from './types.ts';

type Escalating = {
  readonly link: string;
  readonly instance: string;
  readonly escalates: Condition;
  /** Null for a link that only the database has. */
  readonly path: Path | null;
};

/** Compares them. @param sides of the file, by `<link>/<side>` */
export function overlapFindings(
  sides: ReadonlyMap<string, SideInFile>,
  { federation }: Stored,
  isRemote: (side: string) => boolean,
): { readonly findings: readonly Finding[]; readonly warnings: readonly string[] } {
  const stored = [...federation.sides.values()].flatMap(({ side, link, name, instance, settings }): Escalating[] => {
    const { escalates } = settings.outbound;
    const counts = name === 'customer' && !sides.has(side) && !isRemote(side) && !federation.ended.has(link);
    return counts && escalates !== undefined ? [{ link, instance, escalates, path: null }] : [];
  });
  const named = [...sides.values()].flatMap(({ link, name, instance, joined }): Escalating[] => {
    const { escalates } = joined.settings.outbound;
    if (name !== 'customer' || instance === null || escalates === undefined || federation.ended.has(link)) return [];
    return [{ link, instance, escalates, path: joined.original(['outbound', 'escalates']) }];
  });
  const all = [...stored, ...named];
  const findings: Finding[] = [];
  const warnings: string[] = [];
  for (const [at, one] of all.entries())
    for (const other of all.slice(0, at)) {
      if (one.path === null || one.instance !== other.instance) continue;
      const overlap = overlapOf(one.escalates, other.escalates);
      const what = describeCondition(one.escalates);
      const where = other.path === null ? `"${other.link}" (stored)` : `"${other.link}"`;
      if (overlap === 'shadowed')
        findings.push({
          code: 'escalates-twice',
          path: one.path,
          message: `The condition ${what} also escalates on the link ${where} of ${one.instance}. Such an action would open no ticket at all, because Ferry can't tell which link it is for.`,
          fix: `Give each link a condition of its own, for instance another action kind or another value of a field, or end one of them: ferry link close ${other.link}`,
        });
      else if (overlap === 'possible')
        warnings.push(
          `${pathText(one.path)}: an action that fits both ${what} and, on the link ${where}, ${describeCondition(other.escalates)} opens no ticket, because Ferry can't tell which link it is for.`,
        );
    }
  return { findings, warnings };
}
