/**
 * Turns notes into HTML that is safe in any desk, and into text. The only file that knows the sanitiser. Its output
 * passes through it again unchanged, and must never be put into a raw-text element.
 */
import { convert } from 'html-to-text';
import sanitizeHtml from 'sanitize-html';
import { noteElements } from './elements.ts';
import { webUrl, withoutSecrets } from './links.ts';
import type { Attributes } from './markup.ts';
import { normalise, type Shown } from './normalise.ts';
import { plainText } from './plain.ts';
import { rowsAsLines } from './rows.ts';
import { cleanText, cutBytes, escapeHtml, textToHtml } from './text.ts';

export { textToHtml } from './text.ts';

/** Largest note that is carried as a note, in bytes of UTF-8. */
export const noteMaxBytes = 256 * 1024;
/** Larger input is not parsed at all. Characters. */
const inputMaxLength = 16 * 1024 * 1024;

export type DataImage = {
  /** The id by which the note refers to it: `cid:<id>`. */
  readonly id: string;
  /** Media type, such as `image/png`. */
  readonly type: string;
  readonly base64: string;
};

export type SanitisedNote = {
  readonly html: string;
  /** Images that were embedded in the note itself; to be attached under their ids. */
  readonly dataImages: readonly DataImage[];
  /** Set if the note can't be carried as a note: `html` then says so, and this is attached in full. */
  readonly whole: { readonly name: string; readonly type: string; readonly text: string } | null;
};

export type SanitiseOptions = {
  /** Ids of inline images that exist; references to others become placeholders. Absent: all are kept. */
  readonly images?: ReadonlySet<string> | undefined;
};

/** The allow-list: whatever comes before, what passes here is safe. */
const gate: sanitizeHtml.IOptions = {
  allowedTags: [...noteElements],
  allowedAttributes: {
    a: ['href', 'title', 'rel'],
    img: ['src', 'alt', 'title', 'width', 'height'],
    ol: ['start', 'type', 'reversed'],
    li: ['value'],
    td: ['colspan', 'rowspan'],
    th: ['colspan', 'rowspan'],
  },
  allowedSchemes: ['http', 'https', 'mailto'],
  allowedSchemesByTag: { img: ['cid'] },
  allowProtocolRelative: false,
  nonTextTags: ['script', 'style', 'textarea', 'option', 'noscript', 'title'],
  nestingLimit: 100,
  enforceHtmlBoundary: false,
};

const cid = /^cid:([\w.@+$~-]{1,200})$/i;
const dataImage = /^data:(image\/(?:png|jpeg|gif|webp|bmp));base64,([a-z0-9+/=\s]+)$/i;

/** Sanitises by the allow-list; images embedded in the note become placeholders. Idempotent. */
export function sanitise(html: string, options: SanitiseOptions = {}): string {
  return run(html, options, () => null);
}

/**
 * Sanitises a note as a helpdesk stores it: embedded images are extracted, remote ones become links, and a note over
 * 256 KiB is replaced by a line that says so, with the full note to be attached.
 */
export function sanitiseNote(html: string, options: SanitiseOptions = {}): SanitisedNote {
  if (html.length > inputMaxLength) return tooLong('note.txt', 'text/plain', cleanText(html), []);
  const dataImages: DataImage[] = [];
  const safe = run(html, options, (type, base64) => {
    const id = `inline-${dataImages.length + 1}`;
    dataImages.push({ id, type, base64 });
    return id;
  });
  if (Buffer.byteLength(safe) > noteMaxBytes) return tooLong('note.html', 'text/html', safe, dataImages);
  return { html: safe, dataImages, whole: null };
}

/**
 * Replaces a note whose HTML could not be parsed in time: its plain text, with the original attached. Costs next to
 * nothing for any input.
 */
export function unreadNote(html: string): SanitisedNote {
  const said = `[The layout of this note could not be read in time. Its text follows; the original is attached as ${unreadName}.]`;
  return {
    html: `<p>${said}</p>${unreadHtml(html)}`,
    dataImages: [],
    whole: { name: unreadName, type: 'text/html', text: cleanText(html) },
  };
}

/** Extracts the text of HTML that could not be parsed in time, up to the size of a note. */
export function unreadHtml(html: string): string {
  const text = plainText(cleanText(html.slice(0, noteMaxBytes)));
  // A character may take six when escaped.
  return textToHtml(cutBytes(text, noteMaxBytes / 8));
}

const unreadName = 'note-original.html';

function tooLong(name: string, type: string, text: string, dataImages: readonly DataImage[]): SanitisedNote {
  const kib = Math.ceil(Buffer.byteLength(text) / 1024);
  const html = `<p>[This note is ${kib} KiB long, more than fits into one. It is attached whole as ${name}.]</p>`;
  return { html, dataImages, whole: { name, type, text } };
}

type TakeImage = (type: string, base64: string) => string | null;

function run(html: string, options: SanitiseOptions, take: TakeImage): string {
  return sanitizeHtml(
    normalise(cleanText(html), (attributes) => image(attributes, options, take)),
    gate,
  );
}

function image(attributes: Attributes, options: SanitiseOptions, take: TakeImage): Shown {
  const src = attributes.get('src')?.trim() ?? '';
  const id = cid.exec(src)?.[1];
  if (id !== undefined && (options.images === undefined || options.images.has(id)))
    return shown(`cid:${id}`, attributes);
  const [, type, base64] = dataImage.exec(src) ?? [];
  const taken =
    type !== undefined && base64 !== undefined ? take(type.toLowerCase(), base64.replaceAll(/\s/g, '')) : null;
  return taken === null ? placeholder(src, attributes) : shown(`cid:${taken}`, attributes);
}

function shown(src: string, attributes: Attributes): Shown {
  const kept: [string, string][] = [['src', src]];
  for (const name of ['alt', 'title', 'width', 'height']) {
    const value = attributes.get(name);
    const isSize = name === 'width' || name === 'height';
    if (value !== undefined && value !== '' && (!isSize || /^\d{1,5}%?$/.test(value))) kept.push([name, value]);
  }
  return { kind: 'image', attributes: kept };
}

/**
 * Replaces a remote image with a link. Remote images are never loaded: they tell the sender who reads the note.
 * Anything in the URL that may be a token is removed.
 */
function placeholder(src: string, attributes: Attributes): Shown {
  const alt = attributes.get('alt')?.trim() ?? '';
  const url = webUrl(src);
  const isRemote = url !== null && url.toLowerCase().startsWith('http');
  // A one-pixel image shows people nothing.
  if (isRemote && /^[01]$/.test(attributes.get('width') ?? '') && /^[01]$/.test(attributes.get('height') ?? '')) {
    return { kind: 'nothing' };
  }
  return {
    kind: 'text',
    text: alt === '' ? '[image]' : `[image: ${alt}]`,
    href: isRemote ? withoutSecrets(url) : null,
  };
}

/** Removes paragraphs and wrappers without content. For sanitised HTML that was cut or assembled. */
export function withoutEmpty(html: string): string {
  const kept: string[] = [];
  for (const [token] of html.matchAll(/<[^<>]*>|[^<]+|</g)) {
    const name = /^<\/(p|div|span|b|strong|em|i|blockquote)>$/.exec(token)?.[1];
    if (name !== undefined) {
      const isBlank = kept.at(-1)?.trim() === '';
      if (kept.at(isBlank ? -2 : -1) === `<${name}>`) {
        kept.length -= isBlank ? 2 : 1;
        continue;
      }
    }
    // White space on both sides of a removed element is merged.
    if (token.trim() === '' && kept.at(-1)?.trim() === '') continue;
    kept.push(token);
  }
  return kept.join('');
}

/**
 * Converts a note's HTML to plain text: blank lines between paragraphs, links with their target, images as `[image:
 * …]`.
 */
export function htmlToText(html: string): string {
  // The input may be anything, and the converter only handles HTML that is neither deep nor broken.
  const text = convert(rowsAsLines(sanitise(html)), {
    wordwrap: false,
    formatters: {
      imageText: ({ attribs }: { attribs?: Readonly<Record<string, string>> }, _walk, builder) => {
        builder.addInline(attribs?.['alt'] ? `[image: ${attribs['alt']}]` : '[image]');
      },
    },
    limits: { maxDepth: 120, maxInputLength: inputMaxLength },
    selectors: [
      { selector: 'a', options: { hideLinkHrefIfSameAsText: true, linkBrackets: ['<', '>'] } },
      { selector: 'img', format: 'imageText' },
      { selector: 'li', format: 'block', options: { leadingLineBreaks: 1, trailingLineBreaks: 1 } },
      ...['h1', 'h2', 'h3', 'h4'].map((selector) => ({ selector, options: { uppercase: false } })),
    ],
  });
  return cleanText(text).trim();
}

/** Builds a paragraph in place of a file that could not be carried. */
export function missingFile(fileName: string, why: string): string {
  return `<p>[${escapeHtml(`File ${fileName} is missing here: ${why}`)}]</p>`;
}
