/**
 * Inline images. In Halo a picture is an attachment that the note shows by its URL; in Ferry it is `cid:<attachment id>`.
 * Other URLs are left as they are for the sanitiser.
 */
import { rewriteImages } from '#core/text/images.ts';

/** The note with this desk's own picture URLs as `cid:`, and the ids of the attachments it shows. */
export function withCids(html: string, baseUrl: string): { readonly html: string; readonly ids: ReadonlySet<string> } {
  const ids = new Set<string>();
  const base = URL.parse(baseUrl);
  const changed = rewriteImages(html, (src) => {
    const url = URL.parse(src, `${baseUrl}/`);
    const id = url === null || url.origin !== base?.origin ? undefined : attachmentId(url);
    if (id === undefined) return null;
    ids.add(id);
    return { src: `cid:${id}` };
  });
  return { html: changed, ids };
}

function attachmentId(url: URL): string | undefined {
  const inPath = /\/api\/attachment\/(?:image\/)?(\d+)$/i.exec(url.pathname)?.[1];
  if (inPath !== undefined) return inPath;
  const inQuery = /\/api\/attachment(?:\/image)?$/i.test(url.pathname) ? url.searchParams.get('id') : null;
  return inQuery !== null && /^\d+$/.test(inQuery) ? inQuery : undefined;
}

/** The note with each `cid:<id>` as the URL that `urls` has for it; a picture without one loses its source. */
export function withUrls(html: string, urls: ReadonlyMap<string, string>): string {
  return rewriteImages(html, (src) => (/^cid:/i.test(src) ? { src: urls.get(src.slice(4)) ?? '' } : null));
}

/** Text that stands in HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char);
}

/** Plain text as HTML, line by line. */
export function htmlOf(text: string): string {
  return escapeHtml(text).replace(/\r\n?|\n/g, '<br>');
}
