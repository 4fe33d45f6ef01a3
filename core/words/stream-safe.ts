/** Text in a form that is cheap to normalise. */

/**
 * Limits each letter to thirty marks (Unicode's stream-safe form): sorting marks takes time that grows with the square
 * of their number.
 */
export function streamSafe(text: string): string {
  let safe = text;
  // In pieces: a pattern for a run of any length needs a stack as long as the longest run.
  while (/\p{M}{31}/u.test(safe)) safe = safe.replaceAll(/(\p{M}{30})\p{M}{1,2000}/gu, '$1');
  return safe;
}
