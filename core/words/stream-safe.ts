/** Text in a form that puts no machine in trouble when it is normalised. */

/**
 * With at most thirty marks on one letter (Unicode's stream-safe form): putting marks in order takes time that grows
 * with the square of their number.
 */
export function streamSafe(text: string): string {
  return text.replaceAll(/(\p{M}{30})\p{M}+/gu, '$1');
}
