/** The text functions of a desk: plain text of a note, a note from plain text, e-mail templates. */

const named: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};

const entity = /&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]+);/gi;

/** Converts HTML to the plain text that the twin keeps in `note` beside `note_html`. Not a sanitiser. */
export function plainText(html: string): string {
  return html
    .replace(/\r\n?/g, '\n')
    .replace(/<br\s*\/?>/gi, '\n')
    .replace(/<\/(p|div|li|tr|h\d|blockquote)>/gi, '\n')
    .replace(/<[^<>]*>/g, '')
    .replace(entity, decodeEntity)
    .replace(/(?<![ \t])[ \t]+\n/g, '\n')
    .trim();
}

/** Replaces the common entities in a text by their characters. */
export function decodeEntities(text: string): string {
  return text.replace(entity, decodeEntity);
}

function decodeEntity(whole: string, name: string): string {
  if (!name.startsWith('#')) return named[name.toLowerCase()] ?? whole;
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}

/** Escapes text for HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c);
}

/** Converts plain text to HTML: escaped, line by line. */
export function htmlOf(text: string): string {
  return escapeHtml(text).replace(/\r\n?|\n/g, '<br>');
}

/** Fills in the `$words` of a template. A word without a value stays as it is. */
export function fill(template: string, words: Readonly<Record<string, string>>): string {
  return template.replace(/\$([a-z_]+)/g, (whole, name: string) => words[name] ?? whole);
}

/**
 * Returns the same text in other markup, as an editor leaves it: attributes are renamed or lost, and everything is in a
 * block.
 */
export function cleaned(html: string): string {
  const bare = html
    .replace(/<(p|div|span)\b[^<>]*>/gi, '<$1 class="halo">')
    .replace(/<\/?b>/gi, (tag) => tag.replace(/b/i, 'strong'));
  return `<div class="halo-note">${bare}</div>`;
}
