/** Plain text: made storable, made safe to stand in HTML. */

// C0 controls but tab, line feed and carriage return; DEL is harmless and stays.
// oxlint-disable-next-line no-control-regex -- these are the characters that Postgres and XML refuse
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g;

/** Without NUL and other C0 controls, lone surrogates as U+FFFD; line ends and bidirectional marks stay as they are. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll(controls, '');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** For text between tags and inside double-quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);
}

/** Paragraphs at blank lines, `<br />` at the others; already safe. Empty text gives an empty string. */
export function textToHtml(text: string): string {
  return cleanText(text)
    .replaceAll(/\r\n?/g, '\n')
    .split(/\n(?:[ \t]*\n)+/)
    .map((paragraph) => paragraph.replaceAll(/^\n+|\n+$/g, ''))
    .filter((paragraph) => paragraph.trim() !== '')
    .map((paragraph) => `<p>${spaces(escapeHtml(paragraph)).replaceAll('\n', '<br />')}</p>`)
    .join('');
}

/** Keeps indentation and columns, which HTML would fold into one space. */
function spaces(text: string): string {
  return text.replaceAll('\t', '    ').replaceAll(/^ +| {2,}/gm, (run) => `${'\u00a0'.repeat(run.length - 1)} `);
}
