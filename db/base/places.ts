/**
 * A link has a first and a second place, and so has each of its mirrors. What its sides are called is a role: between
 * two organisations the customer has the first place and the supplier the second. The two are mapped here only.
 */
import type { Ends } from '#core/words/ends.ts';
import type { SideName } from '#core/words/vocabulary.ts';

export type Place = 'first' | 'second';

export function endsOf<First, Second>(
  first: First,
  second: Second,
): { readonly customer: First; readonly supplier: Second } {
  return { customer: first, supplier: second };
}

const places: Ends<Place> = endsOf('first', 'second');

export function placeOf(side: SideName): Place {
  return places[side];
}
