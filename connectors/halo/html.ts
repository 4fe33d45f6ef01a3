/**
 * Inline images. In Halo a picture is an attachment that the note shows by its URL; in Ferry it is `cid:<attachment id>`.
 * Other URLs are left as they are for the sanitiser.
 */
import { rewriteImages } from '#core/text/images.ts';
import { pictureId } from './pictures.ts';

export type WithCids = {
  readonly html: string;
  /** Ferry's ids of the pictures it shows, each with the address it is shown by. */
  readonly ids: ReadonlyMap<string, string>;
};

/** The note with this desk's own picture URLs as `cid:`. */
export function withCids(html: string, baseUrl: string): WithCids {
  const ids = new Map<string, string>();
  const base = URL.parse(baseUrl);
  const changed = rewriteImages(html, (src) => {
    const url = URL.parse(src, `${baseUrl}/`);
    const id = url === null || url.origin !== base?.origin ? undefined : attachmentId(url);
    if (id === undefined) return null;
    ids.set(id, url?.href ?? '');
    return { src: `cid:${id}` };
  });
  return { html: withoutAddresses(changed), ids };
}

const mostBefore = 500;
const mostAfter = 10_000;

/**
 * Removes addresses of pictures from links and text, because everybody with such an address sees the picture. Linear: it scans each
 * stretch once, from one address to the next.
 */
function withoutAddresses(html: string): string {
  const address = /\/api\/attachment\/image\?/gi;
  const pieces: string[] = [];
  let copied = 0;
  for (let found = address.exec(html); found !== null; found = address.exec(html)) {
    const { index } = found;
    let begin = index;
    while (begin > copied && index - begin < mostBefore && !isEnd(html, begin - 1)) begin--;
    let end = address.lastIndex;
    while (end < html.length && end - index < mostAfter && !isEnd(html, end)) end++;
    const isNamed = /token=/i.test(html.slice(index, end));
    pieces.push(html.slice(copied, isNamed ? begin : end));
    copied = address.lastIndex = end;
  }
  return pieces.length === 0 ? html : pieces.join('') + html.slice(copied);
}

function isEnd(html: string, at: number): boolean {
  return /[\s"'<>()]/.test(html.charAt(at));
}

function attachmentId(url: URL): string | undefined {
  const inPath = /\/api\/attachment\/(?:image\/)?(\d+)$/i.exec(url.pathname)?.[1];
  if (inPath !== undefined) return inPath;
  const inQuery = /\/api\/attachment(?:\/image)?$/i.test(url.pathname) ? url.searchParams.get('id') : null;
  return inQuery !== null && /^\d+$/.test(inQuery) ? inQuery : pictureId(url);
}

/** The note with each `cid:<id>` as the URL that `urls` has for it; a picture without one loses its source. */
export function withUrls(html: string, urls: ReadonlyMap<string, string>): string {
  return rewriteImages(html, (src) => (/^cid:/i.test(src) ? { src: urls.get(src.slice(4)) ?? '' } : null));
}

/** Escapes text for HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char);
}

/** Plain text as HTML, line by line. */
export function htmlOf(text: string): string {
  return escapeHtml(text).replace(/\r\n?|\n/g, '<br>');
}
