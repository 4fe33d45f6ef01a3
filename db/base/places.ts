/**
 * The two places of a link, first and second, which its mirrors share. The names of its sides are roles: between two
 * organisations the customer is first and the supplier second. Only this file maps the two.
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
