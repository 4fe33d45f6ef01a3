/** Plain text: made storable, and escaped for HTML. */

// C0 controls except tab, line feed and carriage return; DEL is harmless and stays.
// oxlint-disable-next-line no-control-regex -- these are the characters that Postgres and XML refuse
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g;

/**
 * Removes NUL and other C0 controls and replaces lone surrogates with U+FFFD; line endings and bidirectional marks are
 * unchanged.
 */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll(controls, '');
}

export { streamSafe } from '#core/words/stream-safe.ts';

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Escapes text for use between tags and inside double-quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character);
}

/**
 * Converts text to safe HTML: a paragraph for each blank line, `<br />` for other line breaks. Empty text gives an
 * empty string.
 */
export function textToHtml(text: string): string {
  const paragraphs: string[] = [];
  let lines: string[] = [];
  const end = (): void => {
    if (lines.length > 0)
      paragraphs.push(`<p>${keptSpaces(escapeHtml(lines.join('\n'))).replaceAll('\n', '<br />')}</p>`);
    lines = [];
  };
  for (const line of cleanText(text).replaceAll(/\r\n?/g, '\n').split('\n')) {
    if (line.trim() === '') end();
    else lines.push(line);
  }
  end();
  return paragraphs.join('');
}

/** Preserves indentation and columns, which HTML would collapse into one space. For escaped text. */
export function keptSpaces(text: string): string {
  return text
    .replaceAll('\t', '    ')
    .split('\n')
    .map((line) => line.replaceAll(/ +/g, (run, at: number) => (at === 0 || run.length > 1 ? held(run) : run)))
    .join('\n');
}

function held(run: string): string {
  return `${'\u00a0'.repeat(run.length - 1)} `;
}

/** Cuts to at most this many UTF-16 units, never within a character or within what people see as one. */
export function cutText(text: string, most: number, mark = '…'): string {
  if (text.length <= most) return text;
  const room = Math.max(0, most - mark.length);
  let end = 0;
  // Slightly more than fits, so that the work does not grow with the text.
  for (const { segment, index } of characters.segment(text.slice(0, room + 64))) {
    if (index + segment.length > room) break;
    end = index + segment.length;
  }
  return text.slice(0, end).trimEnd() + mark;
}

/** Cuts to at most this many bytes of UTF-8, between characters. */
export function cutBytes(text: string, most: number, mark = '…'): string {
  if (Buffer.byteLength(text) <= most) return text;
  const room = Math.max(0, most - Buffer.byteLength(mark));
  let bytes = 0;
  let end = 0;
  for (const { segment, index } of characters.segment(text.slice(0, room + 64))) {
    bytes += Buffer.byteLength(segment);
    if (bytes > room) break;
    end = index + segment.length;
  }
  return text.slice(0, end).trimEnd() + mark;
}

const characters = new Intl.Segmenter('en', { granularity: 'grapheme' });
