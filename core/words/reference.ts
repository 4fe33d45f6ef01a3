/** Tells whether a ticket names its far ticket the way Ferry writes it: `#7 https://desk.example/…`, one per line. */
import type { References } from './vocabulary.ts';

export type FarTicket = { readonly number: string | null; readonly url: string | null };

/** Splits values into lines; a ticket in several mirrors names several tickets. */
export function linesOf(values: readonly (string | null | undefined)[]): readonly string[] {
  return values.flatMap((value) => (value ?? '').split('\n').map((line) => line.trim())).filter((line) => line !== '');
}

export function names(line: string, { number, url }: FarTicket): boolean {
  if (number === null || number === '' || (line !== number && !line.startsWith(`${number} `))) return false;
  // Numbers repeat across helpdesks; addresses do not.
  const address = line.split(' ').find((word) => /^https?:\/\//i.test(word));
  return address === undefined || url === null || url === '' || address === url;
}

/** Returns null if that can't be determined: the desk shows no references, or the far ticket has no number yet. */
export function bearsReference(references: References | undefined, far: FarTicket): boolean | null {
  if (references === undefined || far.number === null || far.number === '') return null;
  return [...references.customers, ...references.suppliers].some((line) => names(line, far));
}
