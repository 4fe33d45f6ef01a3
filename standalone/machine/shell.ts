/** Quotes words of commands that people paste into a shell. */

/** Quotes a word if a shell would change it. */
export function shellWord(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
