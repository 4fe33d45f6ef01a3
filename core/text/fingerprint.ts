/**
 * Fingerprints say what an echo of a write looks like. A connector promises them with a step and computes them again
 * from what it reads back, so they must survive whatever a helpdesk does to a text on the way: re-indented HTML,
 * other tags, other entities, other quotes' escapes, changed white space, rewritten image URLs.
 *
 * Forms: `note:<visible|hidden>:<sha256>`, `status:<name>`, `field:<name>=<value>`, `file:<name>:<bytes>`. Several
 * changes recorded as one action are one fingerprint, see `fingerprintOf`.
 */
import { createHash } from 'node:crypto';
import type { FieldValue, Visibility } from '#core/words/vocabulary.ts';

const latin1 = (
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro ' +
  'para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil ' +
  'Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave ' +
  'Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml ' +
  'igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute ' +
  'thorn yuml'
).split(' ');

const entities = new Map<string, string>([
  ...latin1.map((name, index) => [name, String.fromCodePoint(160 + index)] as const),
  ...Object.entries({
    amp: '&',
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
    ndash: '–',
    mdash: '—',
    lsquo: '‘',
    rsquo: '’',
    sbquo: '‚',
    ldquo: '“',
    rdquo: '”',
    bdquo: '„',
    bull: '•',
    hellip: '…',
    euro: '€',
    trade: '™',
    larr: '←',
    rarr: '→',
    zwnj: '\u200c',
    zwj: '\u200d',
    ensp: ' ',
    emsp: ' ',
    thinsp: ' ',
  }),
]);

/** The characters an HTML text stands for; an unknown entity stays as it is written. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(
    /&(?:#[xX]([0-9a-fA-F]{1,6})|#(\d{1,7})|([a-zA-Z][a-zA-Z0-9]{1,31}));?/g,
    (whole, hex, decimal, name) => {
      if (name !== undefined) return entities.get(name) ?? whole;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd';
    },
  );
}

/**
 * The bare text of HTML or plain text, for comparing only: no tags, no white space at all (a desk may put a line break
 * where another has a tag), lower case, compatibility forms united. Comments, style and script count as nothing.
 */
export function comparableText(html: string): string {
  return decodeEntities(withoutTags(html))
    .normalize('NFKC')
    .replace(/(?:[\s\p{Cf}]|\ufe0e|\ufe0f)+/gu, '')
    .toLowerCase();
}

const rawText = ['script', 'style', 'head', 'title'];

/** One pass, so that hostile markup costs no more than its length; what is unfinished at the end is dropped. */
function withoutTags(html: string): string {
  // ASCII only: lower-casing the rest could change lengths.
  const lower = html.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  let bare = '';
  let at = 0;
  for (;;) {
    const open = html.indexOf('<', at);
    if (open === -1) return bare + html.slice(at);
    bare += html.slice(at, open);
    if (html.startsWith('!--', open + 1)) {
      at = after(html, '-->', open + 4);
    } else if (/[a-z/!?]/.test(lower.charAt(open + 1))) {
      at = endOfTag(html, open + 1);
      const name = rawText.find(
        (raw) => lower.startsWith(raw, open + 1) && !/[a-z0-9]/.test(lower.charAt(open + 1 + raw.length)),
      );
      if (name !== undefined) at = after(lower, '>', after(lower, `</${name}`, at));
    } else {
      bare += '<';
      at = open + 1;
    }
  }
}

function after(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found === -1 ? text.length : found + mark.length;
}

/** Just behind the `>` that closes the tag; a `>` inside quotes closes nothing. */
function endOfTag(html: string, from: number): number {
  const stop = /[>"']/g;
  stop.lastIndex = from;
  for (;;) {
    const mark = stop.exec(html)?.[0];
    if (mark === undefined) return html.length;
    if (mark === '>') return stop.lastIndex;
    stop.lastIndex = after(html, mark, stop.lastIndex);
  }
}

/** Lower-case hex. */
export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function noteFingerprint(note: string, visibility: Visibility): string {
  return `note:${visibility}:${sha256Hex(comparableText(note))}`;
}

export function statusFingerprint(name: string): string {
  return `status:${comparableText(name)}`;
}

export function fieldFingerprint(name: string, value: FieldValue): string {
  return `field:${comparableText(name)}=${comparableValue(value)}`;
}

/** `sizeBytes` null where nobody knows it. */
export function fileFingerprint(name: string, sizeBytes: number | null): string {
  return `file:${comparableText(name)}:${sizeBytes ?? '?'}`;
}

/** What one recorded action may hold; absent is not mentioned. */
export type Recorded = {
  readonly note: string | null;
  readonly visibility: Visibility;
  readonly status?: string | undefined;
  readonly fields: Readonly<Record<string, FieldValue>>;
  readonly files: readonly { readonly name: string; readonly sizeBytes: number | null }[];
};

/**
 * One fingerprint for one recorded action: by its note if it has one (desks add status and fields by themselves), else
 * by its status, else by its fields in order of name, else by its files.
 */
export function fingerprintOf(recorded: Recorded): string {
  if (recorded.note !== null && comparableText(recorded.note) !== '') {
    return noteFingerprint(recorded.note, recorded.visibility);
  }
  if (recorded.status !== undefined) return statusFingerprint(recorded.status);
  const fields = Object.entries(recorded.fields).map(([name, value]) => fieldFingerprint(name, value));
  if (fields.length > 0) return fields.toSorted().join('&');
  const files = recorded.files.map((file) => fileFingerprint(file.name, file.sizeBytes));
  if (files.length > 0) return files.toSorted().join('&');
  return noteFingerprint('', recorded.visibility);
}

function comparableValue(value: FieldValue): string {
  if (value === null || value === '') return '';
  if (typeof value === 'object') return value.map(comparableText).toSorted().join('|');
  return comparableText(String(value));
}
