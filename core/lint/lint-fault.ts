/** Faults in a link's settings, and the checks that several parts share. */
import { findName, foldName } from '#core/words/names.ts';
import { suggestion } from '#core/words/nearest.ts';
import type { SideSettings } from '#core/rules/settings.ts';
import type { Catalogue, SideName } from '#core/words/vocabulary.ts';

export const faultCodes = [
  'unknown-name',
  'two-rules',
  'field-type-differs',
  'option-unmapped',
  'mail-on-mail',
  'cannot-mail',
  'cannot-show',
  'sends-back',
  'no-escalation',
  'escalates-everything',
  'wrong-side',
  'mandatory-field',
  'unknown-placeholder',
] as const;
export type FaultCode = (typeof faultCodes)[number];

export type FaultPath = readonly (string | number)[];

export type Fault = {
  /** Stable across versions. */
  readonly code: FaultCode;
  /** Path from the link: `['customer', 'inbound', 'actions', 0, 'to']`. */
  readonly path: FaultPath;
  readonly message: string;
  readonly fix: string;
};

/** One end of the link, as the checks need it. */
export type LintSide = {
  readonly name: SideName;
  /** Display name of the desk. */
  readonly desk: string;
  readonly settings: SideSettings;
  /** Null if unknown; checks that depend on it are skipped. */
  readonly catalogue: Catalogue | null;
};

/** Reports a name that is not among the known ones. If `known` is null, nothing is checked. */
export function checkName(
  path: FaultPath,
  what: string,
  name: string,
  known: readonly string[] | null,
  desk: string,
): readonly Fault[] {
  if (known === null || findName(known, name) !== undefined) return [];
  return [{ code: 'unknown-name', path, message: `${desk} has no ${what} "${name}".`, fix: suggestion(name, known) }];
}

/** Reports each further rule for a name that already has one. */
export function checkTwice(path: FaultPath, key: string | null, names: readonly string[]): readonly Fault[] {
  const first = new Map<string, number>();
  return names.flatMap((name, index) => {
    const folded = foldName(name);
    const before = first.get(folded);
    if (before === undefined) {
      first.set(folded, index);
      return [];
    }
    const fault: Fault = {
      code: 'two-rules',
      path: [...path, index, ...(key === null ? [] : [key])],
      message: `"${name}" has two rules; the other is number ${before + 1} of this list.`,
      fix: 'Keep one of them.',
    };
    return [fault];
  });
}

export function namesOf(entries: readonly { readonly name: string }[] | undefined): readonly string[] | null {
  return entries === undefined ? null : entries.map(({ name }) => name);
}
