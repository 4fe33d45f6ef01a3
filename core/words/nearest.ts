/** Guesses which known name somebody meant by an unknown one. */
import { foldName } from './names.ts';

/** Returns the known name with the fewest typing errors; undefined if none is close. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = foldName(name);
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: { readonly name: string; readonly slips: number } | undefined;
  for (const candidate of known) {
    const folded = foldName(candidate);
    if (Math.abs(folded.length - wanted.length) > limit) continue;
    const slips = slipsBetween(wanted, folded);
    if (slips <= limit && slips < (best?.slips ?? Number.POSITIVE_INFINITY)) best = { name: candidate, slips };
  }
  return best?.name;
}

/** Counts letters inserted, left out or replaced. */
function slipsBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      line.push(Math.min(replaced, (above[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1));
    }
    above = line;
  }
  return above.at(-1) ?? 0;
}

/** Suggests a fix: `Did you mean "Closed"?`, or the existing names, or removal if there are none. */
export function suggestion(name: string, known: readonly string[]): string {
  const near = nearestName(name, known);
  if (near !== undefined) return `Did you mean "${near}"?`;
  if (known.length === 0) return 'Remove it.';
  const shown = known.slice(0, 12).map((one) => `"${one}"`);
  return `Use one of ${shown.join(', ')}${known.length > shown.length ? ', …' : ''}.`;
}
