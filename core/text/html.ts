/**
 * Notes as HTML that is safe in any desk, and as text. The one file that knows the sanitiser; its output may be passed
 * through it again without change, and must never be put into a raw-text element.
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
/** Larger input than this is not parsed at all. Characters. */
const inputMaxLength = 16 * 1024 * 1024;

export type DataImage = {
  /** As the note refers to it: `cid:<id>`. */
  readonly id: string;
  /** Media type, such as `image/png`. */
  readonly type: string;
  readonly base64: string;
};

export type SanitisedNote = {
  readonly html: string;
  /** Images that stood in the note itself; to be attached under their ids. */
  readonly dataImages: readonly DataImage[];
  /** Set when the note can't be carried as one: `html` says so, and this is to be attached whole. */
  readonly whole: { readonly name: string; readonly type: string; readonly text: string } | null;
};

export type SanitiseOptions = {
  /** Ids of inline images that exist; a reference to another one becomes a placeholder. Absent: all are kept. */
  readonly images?: ReadonlySet<string> | undefined;
};

/** The gate: what passes here is safe, whatever came before. */
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

/** Safe HTML by the allow-list; images that stand in the note itself become placeholders. Idempotent. */
export function sanitise(html: string, options: SanitiseOptions = {}): string {
  return run(html, options, () => null);
}

/**
 * Safe HTML of a note as a helpdesk has it: images in the note itself are taken out, remote ones become links, and a
 * note over 256 KiB is replaced by a line that says so, with the whole of it to be attached.
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
 * A note whose HTML could not be read in time: its text as it is, and the original to be attached. Costs next to
 * nothing, whatever the note.
 */
export function unreadNote(html: string): SanitisedNote {
  const said = `[The layout of this note could not be read in time. Its text follows; the original is attached as ${unreadName}.]`;
  return {
    html: `<p>${said}</p>${unreadHtml(html)}`,
    dataImages: [],
    whole: { name: unreadName, type: 'text/html', text: cleanText(html) },
  };
}

/** The text of HTML that could not be read in time, as far as one note goes. */
export function unreadHtml(html: string): string {
  const text = plainText(cleanText(html.slice(0, noteMaxBytes)));
  // Escaped, a character may take six.
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

/** Remote images are never loaded: they tell the sender who reads what. The link loses what may be a token. */
function placeholder(src: string, attributes: Attributes): Shown {
  const alt = attributes.get('alt')?.trim() ?? '';
  const url = webUrl(src);
  const isRemote = url !== null && url.toLowerCase().startsWith('http');
  // A picture of one pixel shows nothing to people.
  if (isRemote && /^[01]$/.test(attributes.get('width') ?? '') && /^[01]$/.test(attributes.get('height') ?? '')) {
    return { kind: 'nothing' };
  }
  return {
    kind: 'text',
    text: alt === '' ? '[image]' : `[image: ${alt}]`,
    href: isRemote ? withoutSecrets(url) : null,
  };
}

/** Without paragraphs and wrappers that hold nothing; for HTML that was cut or put together, already sanitised. */
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
    // What was blank on both sides of something empty is one blank.
    if (token.trim() === '' && kept.at(-1)?.trim() === '') continue;
    kept.push(token);
  }
  return kept.join('');
}

/** Plain text of a note's HTML: paragraphs as blank lines, links with their target, images as `[image: …]`. */
export function htmlToText(html: string): string {
  // What it is given may be anything, and it is only made for what is neither deep nor broken.
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

/** A paragraph that stands for a file that could not come along. */
export function missingFile(fileName: string, why: string): string {
  return `<p>[${escapeHtml(`File ${fileName} is missing here: ${why}`)}]</p>`;
}
