/** Compares names that people type: case and runs of white space do not matter. */

import { streamSafe } from './stream-safe.ts';

/** Folds a name for comparison; never shown. */
export function foldName(name: string): string {
  return streamSafe(name).normalize('NFC').trim().replaceAll(/\s+/gu, ' ').toLowerCase();
}

export function sameName(a: string, b: string): boolean {
  return a === b || foldName(a) === foldName(b);
}

/** Tells whether both lists hold the same names, in any order and any number of times. */
export function sameSet(a: readonly string[], b: readonly string[]): boolean {
  const one = new Set(a.map(foldName));
  const other = new Set(b.map(foldName));
  return one.size === other.size && one.isSubsetOf(other);
}

export function findName(names: readonly string[], name: string): string | undefined {
  return names.find((candidate) => sameName(candidate, name));
}

/** Finds the row whose `from` is this name; the first one wins, and lint forbids two. */
export function findRow<Row extends { readonly from: string }>(
  rows: readonly Row[],
  name: string | null | undefined,
): Row | undefined {
  return name === null || name === undefined ? undefined : rows.find((row) => sameName(row.from, name));
}

/** Finds the entry of a catalogue list with this name; the entry has the catalogue's own spelling. */
export function findNamed<Entry extends { readonly name: string }>(
  entries: readonly Entry[],
  name: string | null | undefined,
): Entry | undefined {
  return name === null || name === undefined ? undefined : entries.find((entry) => sameName(entry.name, name));
}
