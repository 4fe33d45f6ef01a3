/** A fault of a links file: where it is, what is wrong, and what to do. */
import type { Place } from '#core/lint/finding.ts';

export { placeText as pathText } from '#core/lint/finding.ts';

export type Path = Place;

/** A fault before its line is known. */
export type Finding = {
  /** Stable, kebab-case. */
  readonly code: string;
  readonly path: Path;
  /** Whether the key or the value at the path is wrong. */
  readonly at?: 'key' | 'value';
  readonly message: string;
  readonly fix: string;
};

export type Fault = {
  readonly code: string;
  /** `links.acme-northwind.supplier.inbound.actions[3].to` */
  readonly path: string;
  /** From 1; 0 if the fault is in the database and not in the file. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly fix: string;
};

/** Sorts faults in the order of the file, and removes duplicates. */
export function sortFaults(faults: readonly Fault[]): Fault[] {
  const seen = new Map<string, Fault>();
  for (const fault of faults) {
    const key = `${fault.line}:${fault.column} ${fault.code} ${fault.message}`;
    if (!seen.has(key)) seen.set(key, fault);
  }
  return [...seen.values()].toSorted((a, b) => a.line - b.line || a.column - b.column);
}
