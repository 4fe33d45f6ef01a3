/** Names that a desk does not have, and two rules for one name. */
import { foldName } from '#core/words/names.ts';
import { finding, type Finding, type Place } from './finding.ts';
import type { KnownNames } from './known-names.ts';
import type { LintSide } from './lint-side.ts';

/**
 * @param known null: nothing to check against
 * @param at whose desk the name is looked for at; what another gateway does not offer today it may offer tomorrow
 */
export function checkName(
  place: Place,
  what: string,
  name: string,
  known: KnownNames<unknown> | null,
  at: Pick<LintSide, 'desk' | 'isRemote' | 'suggest'>,
): readonly Finding[] {
  if (known === null || known.find(name) !== undefined) return [];
  const found = finding('unknown-name', place, `${at.desk} has no ${what} "${name}".`, at.suggest(name, known));
  return [at.isRemote ? { ...found, severity: 'warning' } : found];
}

/** A finding at each rule after the first for the same name. */
export function checkTwice(place: Place, key: string | null, names: readonly string[]): readonly Finding[] {
  const first = new Map<string, number>();
  return names.flatMap((name, index) => {
    const folded = foldName(name);
    const before = first.get(folded);
    if (before === undefined) {
      first.set(folded, index);
      return [];
    }
    const why = `"${name}" has two rules; the other is number ${before + 1} of this list.`;
    return [finding('two-rules', [...place, index, ...(key === null ? [] : [key])], why, 'Keep one of them.')];
  });
}

export type Rows = readonly { readonly from: string; readonly to: string }[];

/** Rows of one sort of word: one rule for each name, and names that the desks have. */
export function checkRows(
  place: Place,
  what: string,
  rows: Rows,
  far: { readonly side: LintSide; readonly known: KnownNames<unknown> | null },
  here: { readonly side: LintSide; readonly known: KnownNames<unknown> | null },
): readonly Finding[] {
  return [
    ...checkTwice(
      place,
      'from',
      rows.map(({ from }) => from),
    ),
    ...rows.flatMap(({ from, to }, index) => [
      ...checkName([...place, index, 'from'], what, from, far.known, far.side),
      ...checkName([...place, index, 'to'], what, to, here.known, here.side),
    ]),
  ];
}
