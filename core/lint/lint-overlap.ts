/**
 * Finds links that escalate the same actions. An action that would open a ticket on two links opens none, because
 * nobody can tell which was meant (`no-target`). An overlap that is always ambiguous is a fault; one that sometimes is
 * deserves a warning.
 */
import { foldName } from '#core/words/names.ts';
import type { Condition } from '#core/rules/settings.ts';

/**
 *
 * - `shadowed`: one way to escalate on one link always escalates on the other too, so it never opens a ticket.
 * - `possible`: one action can match both conditions.
 */
export type Overlap = 'none' | 'possible' | 'shadowed';

/** One property that an action must have or set, or must not have or set. */
type Literal = { readonly about: string; readonly is: string; readonly holds: boolean };
type Term = readonly Literal[];

/** A condition that expands to more terms is not compared. */
const mostTerms = 400;
const deepest = 32;

/** Compares two conditions. A field counts as having one value at a time. */
export function overlapOf(a: Condition, b: Condition): Overlap {
  const [waysA, waysB, notA, notB] = [termsOf(a, true), termsOf(b, true), termsOf(a, false), termsOf(b, false)];
  if (waysA === null || waysB === null) return 'none';
  const isWithin = (way: Term, outside: readonly Term[] | null): boolean =>
    outside !== null && isPossible(way) && outside.every((term) => !isPossible([...way, ...term]));
  if (waysA.some((way) => isWithin(way, notB)) || waysB.some((way) => isWithin(way, notA))) return 'shadowed';
  return waysA.some((one) => waysB.some((other) => isPossible([...one, ...other]))) ? 'possible' : 'none';
}

/** Tells whether some action matches the condition; true if it expands to too many terms to tell. */
export function canHold(condition: Condition): boolean {
  return termsOf(condition, true)?.some(isPossible) ?? true;
}

/** Expands the condition, or its opposite, into alternatives, each a list of literals; null if there are too many. */
function termsOf(condition: Condition, holds: boolean, depth = 0): readonly Term[] | null {
  if (depth > deepest) return null;
  if ('not' in condition) return termsOf(condition.not, !holds, depth + 1);
  if ('kind' in condition) return [[{ about: 'kind', is: foldName(condition.kind), holds }]];
  if ('field' in condition)
    return [[{ about: `field ${foldName(condition.field)}`, is: foldName(condition.equals), holds }]];
  const isAll = 'all' in condition;
  let terms: readonly Term[] = isAll === holds ? [[]] : [];
  for (const part of isAll ? condition.all : condition.any) {
    const more = termsOf(part, holds, depth + 1);
    if (more === null || (isAll === holds ? terms.length * more.length : terms.length + more.length) > mostTerms)
      return null;
    terms = isAll === holds ? terms.flatMap((term) => more.map((other) => [...term, ...other])) : [...terms, ...more];
  }
  return terms;
}

/** Tells whether some action matches the term: one value for each property, and none of the excluded ones. */
function isPossible(term: Term): boolean {
  const values = new Map<string, string>();
  for (const { about, is, holds } of term) {
    if (!holds) continue;
    const other = values.get(about);
    if (other !== undefined && other !== is) return false;
    values.set(about, is);
  }
  return term.every(({ about, is, holds }) => holds || values.get(about) !== is);
}
