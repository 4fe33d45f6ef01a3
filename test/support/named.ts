/**
 * A pattern that finds names wherever they stand. Only a name of fewer than five letters with a letter or digit on both sides
 * does not count: a long run of base64, such as a signature, a sealed piece or a marker, has it by chance.
 */
export function named(...names: readonly string[]): RegExp {
  const either = (name: string): string => `(?<![a-z0-9])${name}|${name}(?![a-z0-9])`;
  return new RegExp(names.map((name) => (name.length < 5 ? either(name) : name)).join('|'), 'iu');
}
