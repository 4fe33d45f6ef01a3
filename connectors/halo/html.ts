/**
 * Inline images. In Halo a picture is an attachment that the note shows by its URL; in Ferry it is `cid:<attachment id>`.
 * Other URLs are left as they are for the sanitiser.
 */
import { decodeEntities } from '#core/text/fingerprint.ts';
import { pictureId } from './pictures.ts';

const source = /(<img\b[^<>]*?\ssrc\s*=\s*)(?:"([^"]*)"|'([^']*)')/gi;

export type WithCids = {
  readonly html: string;
  /** Ferry's ids of the pictures it shows, each with the address it is shown by. */
  readonly ids: ReadonlyMap<string, string>;
};

/** The note with this desk's own picture URLs as `cid:`. */
export function withCids(html: string, baseUrl: string): WithCids {
  const ids = new Map<string, string>();
  if (!/<img/i.test(html)) return { html, ids };
  const base = URL.parse(baseUrl);
  const changed = html.replace(
    source,
    (whole, head: string, double: string | undefined, single: string | undefined) => {
      const url = URL.parse(decodeEntities(double ?? single ?? ''), `${baseUrl}/`);
      const id = url === null || url.origin !== base?.origin ? undefined : attachmentId(url);
      if (id === undefined) return whole;
      ids.set(id, url?.href ?? '');
      return `${head}"cid:${id}"`;
    },
  );
  return { html: changed, ids };
}

function attachmentId(url: URL): string | undefined {
  const inPath = /\/api\/attachment\/(?:image\/)?(\d+)$/i.exec(url.pathname)?.[1];
  if (inPath !== undefined) return inPath;
  const inQuery = /\/api\/attachment(?:\/image)?$/i.test(url.pathname) ? url.searchParams.get('id') : null;
  return inQuery !== null && /^\d+$/.test(inQuery) ? inQuery : pictureId(url);
}

/** The note with each `cid:<id>` as the URL that `urls` has for it; a picture without one loses its source. */
export function withUrls(html: string, urls: ReadonlyMap<string, string>): string {
  return html.replace(source, (whole, head: string, double: string | undefined, single: string | undefined) => {
    const url = decodeEntities(double ?? single ?? '');
    if (!/^cid:/i.test(url)) return whole;
    return `${head}"${(urls.get(url.slice(4)) ?? '').replaceAll('&', '&amp;').replaceAll('"', '&quot;')}"`;
  });
}

/** Text that stands in HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char);
}

/** Plain text as HTML, line by line. */
export function htmlOf(text: string): string {
  return escapeHtml(text).replace(/\r\n?|\n/g, '<br>');
}
