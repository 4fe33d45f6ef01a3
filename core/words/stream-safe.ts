/** Text in a form that puts no machine in trouble when it is normalised. */

/**
 * With at most thirty marks on one letter (Unicode's stream-safe form): putting marks in order takes time that grows
 * with the square of their number.
 */
export function streamSafe(text: string): string {
  let safe = text;
  // By stretches: a pattern for a run of any length needs a stack as long as the longest run.
  while (/\p{M}{31}/u.test(safe)) safe = safe.replaceAll(/(\p{M}{30})\p{M}{1,2000}/gu, '$1');
  return safe;
}
