/** Text for a terminal: foreign text must not move the cursor or reverse the direction of writing. */

/** Makes control characters visible: C0, C1, bidi ones, and line feeds. */
export function printable(text: string): string {
  return text.replaceAll(
    // eslint-disable-next-line no-control-regex -- they are what this is about
    /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Writes a value as a short part of a line. */
export function shortly(value: unknown, most = 100): string {
  if (Array.isArray(value) && value.length > 3 && value.some((item) => typeof item === 'object'))
    return `${value.length} rows`;
  const text = printable(inline(value));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function inline(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'nothing';
  const entries = Object.entries(value).filter(
    ([, inner]) => inner !== false && !(Array.isArray(inner) && inner.length === 0),
  );
  return `{${entries.map(([key, inner]) => `${key}: ${inline(inner)}`).join(', ')}}`;
}

/** Pads columns to their widest cell, with two spaces between them, except for the last column. */
export function table(lines: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const line of lines)
    for (const [at, cell] of line.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  return lines.map((line) =>
    line
      .map((cell, at) => (at === line.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

/** Writes a duration: `41 s`, `12 min`, `3 h`, `5 days`. */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** Writes a number with its noun: `1 change`, `3 changes`. */
export function count(number: number, one: string, more = `${one}s`): string {
  return number === 1 ? `1 ${one}` : `${number} ${more}`;
}
