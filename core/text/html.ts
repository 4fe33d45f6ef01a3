/**
 * Notes as HTML that is safe in any desk, and as text. The one file that knows the sanitiser; its output may be passed
 * through it again without change, and must never be put into a raw-text element.
 */
import { convert } from 'html-to-text';
import sanitizeHtml from 'sanitize-html';
import { cleanText, escapeHtml, textToHtml } from './text.ts';

export { cleanText, escapeHtml, textToHtml } from './text.ts';
export { defuseTags, defuseTagsInHtml } from './defuse.ts';

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
  /** Set when the note is too long to be carried as one: `html` says so, and this is to be attached whole. */
  readonly whole: { readonly name: string; readonly type: string; readonly text: string } | null;
};

export type SanitiseOptions = {
  /** Ids of inline images that exist; a reference to another one becomes a placeholder. Absent: all are kept. */
  readonly images?: ReadonlySet<string> | undefined;
};

const tags = `p br b strong i em u s a ul ol li blockquote pre code h1 h2 h3 h4 table thead tbody tr td th span div img hr`;

const base: sanitizeHtml.IOptions = {
  allowedTags: tags.split(' '),
  allowedAttributes: {
    a: ['href', 'title', 'rel'],
    img: ['src', 'alt', 'title', 'width', 'height'],
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

function tooLong(name: string, type: string, text: string, dataImages: readonly DataImage[]): SanitisedNote {
  const kib = Math.ceil(Buffer.byteLength(text) / 1024);
  const html = `<p>[This note is ${kib} KiB long, more than fits into one. It is attached whole as ${name}.]</p>`;
  return { html, dataImages, whole: { name, type, text } };
}

type TakeImage = (type: string, base64: string) => string | null;

function run(html: string, options: SanitiseOptions, take: TakeImage): string {
  const clean = cleanText(html);
  if (isTooDeep(clean)) return textToHtml(clean.replaceAll(/(?:<[^>]*>?\s*)+/g, ' '));
  return sanitizeHtml(clean, {
    ...base,
    transformTags: { a: (_, attributes) => link(attributes), img: (_, attributes) => image(attributes, options, take) },
  });
}

/**
 * The parser's cost grows with the square of the depth. Nobody writes 2,000 open elements, so such a note is kept as text.
 * Elements that may be left open lawfully do not count.
 */
function isTooDeep(html: string): boolean {
  let depth = 0;
  for (const [tag, name = ''] of html.matchAll(/<\/?([a-z][^\s/>]{0,30})/gi)) {
    if (leftOpen.has(name.toLowerCase())) continue;
    depth = tag.startsWith('</') ? Math.max(0, depth - 1) : depth + 1;
    if (depth > 2000) return true;
  }
  return false;
}

const leftOpen = new Set(
  'br img hr input meta link wbr area base col embed source track param p li td th tr tbody thead dt dd option'.split(
    ' ',
  ),
);

function link({ href, title }: sanitizeHtml.Attributes): sanitizeHtml.Tag {
  const target = href === undefined ? null : webUrl(href);
  return {
    tagName: 'a',
    attribs: {
      ...(target === null ? {} : { href: target }),
      ...(title === undefined ? {} : { title }),
      rel: 'noopener noreferrer nofollow',
    },
  };
}

function image(attributes: sanitizeHtml.Attributes, options: SanitiseOptions, take: TakeImage): sanitizeHtml.Tag {
  const { src = '', alt, title, width, height } = attributes;
  const kept = { alt, title, width: digits(width), height: digits(height) };
  const id = cid.exec(src.trim())?.[1];
  if (id !== undefined && (options.images === undefined || options.images.has(id))) return img(`cid:${id}`, kept);
  const [, type, base64] = dataImage.exec(src.trim()) ?? [];
  const taken =
    type !== undefined && base64 !== undefined ? take(type.toLowerCase(), base64.replaceAll(/\s/g, '')) : null;
  if (taken !== null) return img(`cid:${taken}`, kept);
  return placeholder(src, alt);
}

function img(src: string, kept: Readonly<Record<string, string | undefined>>): sanitizeHtml.Tag {
  const attribs: sanitizeHtml.Attributes = { src };
  for (const [name, value] of Object.entries(kept)) if (value !== undefined && value !== '') attribs[name] = value;
  return { tagName: 'img', attribs };
}

/** Remote images are never loaded: they tell the sender who reads what. The link loses what may be a token. */
function placeholder(src: string, alt: string | undefined): sanitizeHtml.Tag {
  const text = alt === undefined || alt.trim() === '' ? '[image]' : `[image: ${alt.trim()}]`;
  const url = webUrl(src);
  if (url === null || !url.toLowerCase().startsWith('http')) return { tagName: 'span', attribs: {}, text };
  return { tagName: 'a', attribs: { href: withoutSecrets(url), rel: 'noopener noreferrer nofollow' }, text };
}

/** The URL if it is absolute and of an allowed scheme; browsers ignore white space and controls in it. */
function webUrl(url: string): string | null {
  // oxlint-disable-next-line no-control-regex -- as browsers strip them before they look at the scheme
  const tight = url.trim().replaceAll(/[\u0000-\u001f]/g, '');
  return /^(?:https?:\/\/|mailto:)[^\s]/i.test(tight) && URL.canParse(tight) ? tight : null;
}

function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function digits(text: string | undefined): string | undefined {
  return text !== undefined && /^\d{1,5}%?$/.test(text) ? text : undefined;
}

/** Without paragraphs and wrappers that hold nothing; for HTML that was cut or put together, already sanitised. */
export function withoutEmpty(html: string): string {
  let before = html;
  for (let pass = 0; pass < 100; pass += 1) {
    const after = before.replaceAll(/<(p|div|span|b|strong|em|i|blockquote)>[\s\u00a0]*<\/\1>/g, '');
    if (after.length === before.length) break;
    before = after;
  }
  return before;
}

/** Plain text of safe HTML: paragraphs as blank lines, links with their target, images as `[image: …]`. */
export function htmlToText(html: string): string {
  const text = convert(html, {
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
      { selector: 'table', format: 'dataTable', options: { uppercaseHeaderCells: false } },
      ...['h1', 'h2', 'h3', 'h4'].map((selector) => ({ selector, options: { uppercase: false } })),
    ],
  });
  return cleanText(text).trim();
}

/** A paragraph that stands for a file that could not come along. */
export function missingFile(fileName: string, why: string): string {
  return `<p>[${escapeHtml(`File ${fileName} is missing here: ${why}`)}]</p>`;
}
