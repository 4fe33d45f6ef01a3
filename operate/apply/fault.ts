/** What can be wrong with a links file: where it stands, what it is, and what to do. */
import type { Place } from '#core/lint/finding.ts';

export { placeText as pathText } from '#core/lint/finding.ts';

export type Path = Place;

/** A fault before its line is known. */
export type Finding = {
  /** Stable, kebab-case. */
  readonly code: string;
  readonly path: Path;
  /** Whether the key or the value at the path is at fault. */
  readonly at?: 'key' | 'value';
  readonly message: string;
  readonly fix: string;
};

export type Fault = {
  readonly code: string;
  /** `links.acme-northwind.supplier.inbound.actions[3].to` */
  readonly path: string;
  /** From 1; 0 where the fault is in what is stored and not in the file. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly fix: string;
};

/** In the order of the file; the same fault at the same place is told once. */
export function sortFaults(faults: readonly Fault[]): Fault[] {
  const seen = new Map<string, Fault>();
  for (const fault of faults) {
    const key = `${fault.line}:${fault.column} ${fault.code} ${fault.message}`;
    if (!seen.has(key)) seen.set(key, fault);
  }
  return [...seen.values()].toSorted((a, b) => a.line - b.line || a.column - b.column);
}
