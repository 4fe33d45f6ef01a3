/**
 * Quoted mail below or above what somebody wrote. Only what is plainly quoted is touched: an attribution line followed
 * by a quotation, or the header block of a forwarded or answered mail. Doubt keeps the text.
 *
 * Works on HTML that the sanitiser made: tags are well formed and text holds no angle brackets. Every search is bounded.
 */
import { sanitise, withoutEmpty } from './html.ts';

const verb = /\b(?:wrote|schrieb|a écrit|escribió|schreef|ha scritto|skrev|escreveu)\b[^<>\n:]{0,60}:/g;
const opener = /^(?:On|Am|Le|El|Op|Il|Den|Em)\s.{6,}/s;
const address = /&lt;[^\s&]{3,100}@[^\s&]{1,100}&gt;/;
const block = /<\/?(?:p|div|blockquote|ul|ol|li|table|tr|td|pre|h[1-4])>|<(?:br|hr) \/>/g;
const original =
  /---\s?(?:Original Message|Ursprüngliche Nachricht|Message d'origine|Mensaje original|Forwarded message)\s?---/;
const header =
  /\b(?:From|Von|De):[^<>]{0,200}(?:<[^>]{0,200}>[^<>]{0,300}){1,8}?\b(?:Sent|Date|Gesendet|Datum|Envoyé|Enviado):/;
const subject = /\b(?:Subject|Betreff|Objet|Asunto):/;
const openTags = /(?:<(?:p|div|b|strong|span)>\s*)*-{0,60}$/;
const gap = /^(?:<\/?(?:p|div|span|b|i|em|strong)>|<br \/>|\s|\u00a0)*/;
const quotedLines = /^(?:&gt;[^<]*(?:<br \/>|<\/p>|<\/div>|<p>|<div>|\s|$)+)+/;

type Mode = 'drop' | 'fold' | 'keep';
type Parts = { readonly own: string; readonly quote: string };

/**
 * `drop` leaves the quoted part out, `fold` puts it last in a quotation, which helpdesks show folded, `keep` changes
 * nothing. A note that is nothing but a quotation is kept. The result is sanitised.
 */
export function quoted(html: string, mode: Mode): { readonly html: string; readonly dropped: boolean } {
  if (mode === 'keep') return { html, dropped: false };
  const parts = splitAtHeader(html) ?? splitAtAttribution(html);
  if (parts === null || isEmpty(parts.own) || isEmpty(parts.quote)) return { html, dropped: false };
  if (mode === 'drop') return { html: parts.own, dropped: true };
  if (html === parts.own + parts.quote && parts.quote.startsWith('<blockquote>')) return { html, dropped: false };
  const folded = parts.quote.startsWith('<blockquote>') ? parts.quote : `<blockquote>${parts.quote}</blockquote>`;
  return { html: sanitise(parts.own + folded), dropped: false };
}

/** Everything from the header block of the answered mail on: mail programs put it last. */
function splitAtHeader(html: string): Parts | null {
  const positions = [html.search(original), headerAt(html)].filter((position) => position >= 0);
  if (positions.length === 0) return null;
  const marker = Math.min(...positions);
  const start = withOpenTags(html, marker);
  return { own: part(html.slice(0, start)), quote: part(html.slice(start)) };
}

/** Where the elements open that begin right before this position. */
function withOpenTags(html: string, position: number): number {
  return position - (openTags.exec(html.slice(Math.max(0, position - 200), position))?.[0].length ?? 0);
}

/** A piece of a note as HTML of its own: what the cut left open is closed. */
function part(html: string): string {
  return withoutEmpty(sanitise(html));
}

function headerAt(html: string): number {
  const position = html.search(header);
  return position >= 0 && subject.test(html.slice(position, position + 2000)) ? position : -1;
}

/** The attribution line and the quotation right after it; what stands below is the answer and stays. */
function splitAtAttribution(html: string): Parts | null {
  for (const match of html.matchAll(verb)) {
    const start = attributionStart(html, match.index);
    const end = start === null ? null : quotationEnd(html, match.index + match[0].length);
    if (start === null || end === null) continue;
    return { own: part(html.slice(0, start) + html.slice(end)), quote: part(html.slice(start, end)) };
  }
  return null;
}

/** Where the line that ends in "wrote:" begins, if it names a date or an address as mail programs do. */
function attributionStart(html: string, verbAt: number): number | null {
  const windowStart = Math.max(0, verbAt - 600);
  const window = html.slice(windowStart, verbAt);
  const boundary = [...window.matchAll(block)].at(-1);
  if (boundary === undefined && windowStart > 0) return null;
  const start = boundary === undefined ? 0 : boundary.index + boundary[0].length;
  const line = window
    .slice(start)
    .replaceAll(/<[^>]*>/g, '')
    .trim();
  return opener.test(line) || address.test(line) ? withOpenTags(html, windowStart + start) : null;
}

/** Where the quotation that begins right after `from` ends, or null when none begins there. */
function quotationEnd(html: string, from: number): number | null {
  const start = from + (gap.exec(html.slice(from, from + 2000))?.[0].length ?? 0);
  if (html.startsWith('<blockquote>', start)) return blockquoteEnd(html, start);
  const lines = quotedLines.exec(html.slice(start));
  return lines === null ? null : start + lines[0].length;
}

function blockquoteEnd(html: string, start: number): number {
  let depth = 0;
  for (const tag of html.slice(start).matchAll(/<(\/?)blockquote>/g)) {
    depth += tag[1] === '/' ? -1 : 1;
    if (depth === 0) return start + tag.index + tag[0].length;
  }
  return html.length;
}

function isEmpty(html: string): boolean {
  return html.replaceAll(/<(?!img)[^>]*>|\s|\u00a0/g, '') === '';
}
