/** Whether a ticket names its ticket elsewhere, as Ferry writes it there: `#7 https://desk.example/…`, a line each. */
import type { References } from './vocabulary.ts';

export type FarTicket = { readonly number: string | null; readonly url: string | null };

/** Lines of values; a ticket in several mirrors names several tickets. */
export function linesOf(values: readonly (string | null | undefined)[]): readonly string[] {
  return values.flatMap((value) => (value ?? '').split('\n').map((line) => line.trim())).filter((line) => line !== '');
}

export function names(line: string, { number, url }: FarTicket): boolean {
  if (number === null || number === '' || (line !== number && !line.startsWith(`${number} `))) return false;
  // Numbers are the same at every helpdesk; addresses are not.
  const address = line.split(' ').find((word) => /^https?:\/\//i.test(word));
  return address === undefined || url === null || url === '' || address === url;
}

/** Null where that can't be told: the desk shows no references, or the far ticket has no number yet. */
export function bearsReference(references: References | undefined, far: FarTicket): boolean | null {
  if (references === undefined || far.number === null || far.number === '') return null;
  return [...references.customers, ...references.suppliers].some((line) => names(line, far));
}
