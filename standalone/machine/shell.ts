// Words of commands that are printed to be pasted.

/** Quoted if a shell would make something else of it. */
export function shellWord(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
