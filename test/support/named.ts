/**
 * A pattern that finds a name as a word of its own. A short name is found by chance inside a long run of base64, such as a
 * signature, a sealed piece or a marker: four letters about once in a million places.
 */
export function named(...names: readonly string[]): RegExp {
  const part = '[a-z0-9+/_=-]';
  return new RegExp(`(?<!${part})(?:${names.join('|')})(?!${part})`, 'iu');
}
