/** Guesses which known name somebody meant by an unknown one. */
import { distance } from 'fastest-levenshtein';
import { foldName } from './names.ts';

/** Returns the known name with the fewest typing errors; undefined if none is close. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = foldName(name);
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: { readonly name: string; readonly slips: number } | undefined;
  for (const candidate of known) {
    const folded = foldName(candidate);
    if (Math.abs(folded.length - wanted.length) > limit) continue;
    // Letters inserted, left out or replaced.
    const slips = distance(wanted, folded);
    if (slips <= limit && slips < (best?.slips ?? Number.POSITIVE_INFINITY)) best = { name: candidate, slips };
  }
  return best?.name;
}

/** `Did you mean "Closed"?`, or the names there are, or that it should go. */
export function suggestion(name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  if (near !== undefined) return `Did you mean "${near}"?`;
  if (known.length === 0) return 'Remove it.';
  const shown = known.slice(0, 12).map((one) => `"${one}"`);
  return `Use one of ${shown.join(', ')}${known.length > shown.length ? ', …' : ''}.`;
}
