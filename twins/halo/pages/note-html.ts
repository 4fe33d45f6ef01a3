/**
 * Notes as pages show them. What people and other systems wrote is taken apart and rebuilt from a short list of
 * elements. Nothing but text is passed on unchanged, so an unknown trick has nothing to work with. Nesting is
 * restricted so that a browser reads the result as it is written, and no note closes the elements around it.
 */
import { raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { guidIn } from '#twins/halo/pictures.ts';
import { decodeEntities, escapeHtml } from '#twins/halo/text.ts';

/** A picture, named by the number of its file or by the UUID in its address's token. */
export type PictureRef = number | string;

/** Returns the address where a page shows a picture of the same ticket; null if the ticket has no such file. */
export type PictureAddress = (picture: PictureRef) => string | null;

type Kind = 'inline' | 'block' | 'list' | 'item' | 'table' | 'row' | 'cell';

const kinds = new Map<string, Kind>([
  ...'b strong i em u s del ins sub sup small code a'.split(' ').map((name) => [name, 'inline'] as const),
  ...'p div blockquote pre'.split(' ').map((name) => [name, 'block'] as const),
  ...(['ul', 'ol'] as const).map((name) => [name, 'list'] as const),
  ...(['td', 'th'] as const).map((name) => [name, 'cell'] as const),
  ['li', 'item'],
  ['table', 'table'],
  ['tr', 'row'],
]);
/** Headings, which would compete with those of the page, become paragraphs. */
const shownAs = new Map([
  ...'h1 h2 h3 h4 h5 h6 dt dd'.split(' ').map((name) => [name, 'p'] as const),
  ...'section article center'.split(' ').map((name) => [name, 'div'] as const),
  ['strike', 's'],
  ['tt', 'code'],
]);
/** Elements whose content is not text for people. */
const swallowed = new Set(
  (
    'script style title head textarea select iframe noscript noembed noframes xmp template object applet svg math ' +
    'video audio canvas plaintext frameset button'
  ).split(' '),
);
const deepest = 40;

/** Converts HTML into HTML that is safe within a page of the twin. */
export function noteHtml(html: string, picture: PictureAddress): HtmlEscapedString {
  const out: string[] = [];
  const open: string[] = [];
  let at = 0;

  const closeTo = (depth: number): void => {
    while (open.length > depth) out.push(`</${open.pop()}>`);
  };
  /**
   * Returns the depth of the innermost open element that is wanted, unless one of `walls` is inside it; -1 if there is
   * none.
   */
  const innermost = (wanted: (name: string) => boolean, walls: readonly Kind[]): number => {
    for (let depth = open.length - 1; depth >= 0; depth--) {
      const name = open[depth] ?? '';
      if (wanted(name)) return depth;
      if (walls.includes(kinds.get(name) ?? 'inline')) return -1;
    }
    return -1;
  };
  const ofKind =
    (kind: Kind) =>
    (name: string): boolean =>
      kinds.get(name) === kind;

  function start(name: string, attributes: string): void {
    const top = kinds.get(open.at(-1) ?? '');
    if (name === 'br' || name === 'hr') out.push(`<${name}>`);
    else if (name === 'img') out.push(image(attributes, picture));
    const kind = kinds.get(name);
    if (kind === undefined || open.length >= deepest) return;
    if (kind === 'row') {
      const table = innermost(ofKind('table'), []);
      if (table < 0) return;
      closeTo(table + 1);
    } else if (kind === 'cell') {
      const row = innermost(ofKind('row'), ['table']);
      if (row < 0) return;
      closeTo(row + 1);
    } else if (top === 'table' || top === 'row') return;
    else if (kind === 'item') {
      const list = innermost(ofKind('list'), ['cell']);
      if (list < 0) return;
      closeTo(list + 1);
    } else if (top === 'list') return;
    else if (kind !== 'inline') {
      const paragraph = innermost((one) => one === 'p', ['cell', 'item']);
      if (paragraph >= 0) closeTo(paragraph);
    } else if (name === 'a') {
      const link = innermost((one) => one === 'a', ['cell']);
      if (link >= 0) closeTo(link);
    }
    open.push(name);
    out.push(name === 'a' ? link(attributes) : `<${name}>`);
  }

  function end(name: string): void {
    const kind = kinds.get(name);
    if (kind === undefined) return;
    const walls: readonly Kind[] =
      kind === 'table' ? [] : kind === 'row' || kind === 'cell' ? ['table'] : ['table', 'row', 'cell', 'list', 'item'];
    const depth = innermost((one) => one === name, name === 'li' || kind === 'list' ? ['table', 'cell'] : walls);
    if (depth >= 0) closeTo(depth);
  }

  while (at < html.length) {
    const next = html.indexOf('<', at);
    const upTo = next < 0 ? html.length : next;
    out.push(escapeText(html.slice(at, upTo)));
    if (next < 0) break;
    at = next;
    if (html.startsWith('<!--', at)) {
      const over = html.indexOf('-->', at + 4);
      at = over < 0 ? html.length : over + 3;
      continue;
    }
    const head = /<(\/?)([a-z][^\s/>]{0,60})|<[!?]/iy;
    head.lastIndex = at;
    const found = head.exec(html);
    if (found === null) {
      out.push('&lt;');
      at++;
      continue;
    }
    const over = endOfTag(html, head.lastIndex);
    const attributes = html.slice(head.lastIndex, over - 1);
    at = over;
    const written = (found[2] ?? '').toLowerCase();
    const name = shownAs.get(written) ?? written;
    if (found[1] === '/') end(name);
    else if (!swallowed.has(name)) start(name, attributes);
    else {
      const closing = new RegExp(`</${name}`, 'gi');
      closing.lastIndex = at;
      at = closing.test(html) ? endOfTag(html, closing.lastIndex) : html.length;
    }
  }
  closeTo(0);
  return raw(out.join(''));
}

/**
 * Returns the position after the `>` that ends a tag, ignoring any in a quoted value; the end of the text if there is
 * none.
 */
function endOfTag(html: string, from: number): number {
  let quote = '';
  let before = '';
  for (let at = from; at < html.length; at++) {
    const c = html.charAt(at);
    if (quote !== '') quote = c === quote ? '' : quote;
    else if ((c === '"' || c === "'") && before === '=') quote = c;
    else if (c === '>') return at + 1;
    if (c.trim() !== '') before = c;
  }
  return html.length + 1;
}

/** Escapes text. An entity only represents one character, so entities may stay. */
function escapeText(text: string): string {
  return text.replaceAll('\0', '').replaceAll('>', '&gt;');
}

function attribute(attributes: string, name: string): string {
  const pattern = /([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+)))?/g;
  for (const [, key = '', double, single, bare] of attributes.matchAll(pattern)) {
    if (key.toLowerCase() === name) return decodeEntities(double ?? single ?? bare ?? '').trim();
  }
  return '';
}

function link(attributes: string): string {
  const href = attribute(attributes, 'href');
  if (!/^(?:https?:\/\/|mailto:)[^\s]+$/i.test(href)) return '<a>';
  return `<a href="${escapeHtml(href)}" target="_blank" rel="noopener noreferrer nofollow">`;
}

/**
 * Renders only pictures of the same ticket and those contained in the note itself, so that no note makes a browser call
 * another server.
 */
function image(attributes: string, picture: PictureAddress): string {
  const src = attribute(attributes, 'src');
  const alt = attribute(attributes, 'alt');
  const id = ownPicture(src);
  const inline = /^data:image\/(?:png|jpeg|gif|webp);base64,[a-z0-9+/=\s]+$/i.test(src) ? src : null;
  const address = id === null ? inline : picture(id);
  if (address === null)
    return `<span class="missing">picture not shown${alt === '' ? '' : `: ${escapeHtml(alt)}`}</span>`;
  return `<img src="${escapeHtml(address)}" alt="${escapeHtml(alt === '' ? 'Picture' : alt)}" decoding="sync">`;
}

function ownPicture(src: string): PictureRef | null {
  const token = /^(?:https?:\/\/[^/?#\s]+)?\/api\/attachment\/image\?token=([\w.-]{1,2000})$/i.exec(src)?.[1];
  if (token !== undefined) return guidIn(token);
  const id = /^(?:https?:\/\/[^/?#\s]+)?\/(?:api\/attachment|twin\/attachments)\/(\d{1,15})$/i.exec(src)?.[1];
  return id === undefined ? null : Number(id);
}

/** Finds the files that a note shows as pictures. */
export function picturesIn(html: string): PictureRef[] {
  const all = html.matchAll(
    /\/(?:api\/attachment|twin\/attachments)\/(?:(\d{1,15})|image\?token=([\w.-]{1,2000}))(?=["'])/gi,
  );
  return [...all].flatMap(([, id, token]) => (id === undefined ? (guidIn(token ?? '') ?? []) : Number(id)));
}
