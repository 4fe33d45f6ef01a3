/**
 * Finds quoted mail below or above what somebody wrote. It touches only what is plainly a quotation: an attribution
 * line followed by quoted text, or the header block of an answered mail. In doubt the text is kept: answers between
 * quoted lines, text on both sides of a quotation, and forwarded mail, which is what somebody wanted to say.
 *
 * Works on the sanitiser's HTML; one pass over its lines.
 */
import { sanitise, withoutEmpty } from './html.ts';
import { linesOf, type Line } from './lines.ts';

const verbs =
  'wrote|writes|schrieb|a écrit|écrivait|escribió|schreef|ha scritto|skrev|escreveu|napisał(?:\\(a\\))?|napsal(?:\\(a\\))?|kirjoitti|написал(?:\\(а\\))?|a scris';
const attributionEnd = new RegExp(
  `(?:^|[\\s>)\\]])(?:${verbs})(?:[^:\\n]{0,60}[:：]|\\s?-{2,10})$|写道[:：]$|のメール[:：]$`,
  'i',
);
const opener = /^(?:On|Am|Le|El|Op|Il|Den|Em|På|W dniu|Dne|Dňa|Pe|Vào|Data)\s.{6,}/is;
const address = /<[^\s<>]{3,100}@[^\s<>]{1,100}>|\S{1,100}@\S{1,100}/;
const instant = /\b\d{4}\b.{0,60}\b\d{1,2}[:.h]\d\d\b/;

const original =
  /^-{2,}\s?(?:Original Message|Ursprüngliche Nachricht|Message d'origine|Mensaje original|Messaggio originale|Oorspronkelijk bericht|Original-Nachricht|Mensagem original)\s?-{2,}$/i;
const forwarded =
  /^(?:>\s?)?(?:-{2,}\s?(?:Forwarded|Weitergeleitete|Message transféré|Mensaje reenviado|Messaggio inoltrato|Doorgestuurd|Mensagem encaminhada)|Begin forwarded message:|Anfang der weitergeleiteten)/i;
const from = /^(?:From|Von|De|Da|Van|Fra|Från|Od|发件人|差出人)\s{0,2}[:：]/i;
const sent =
  /^(?:Sent|Date|Gesendet|Datum|Envoyé|Enviado|Inviato|Data|Verzonden|Skickat|Sendt|Wysłano|发送时间|送信日時)(?: le| el)?\s{0,2}[:：]/i;
const subject = /^(?:Subject|Betreff|Objet|Asunto|Oggetto|Onderwerp|Ämne|Emne|Temat|Assunto|主题|件名)\s{0,2}[:：]/i;
const rule = /^[-_*=]{5,}$/;
/** Somebody says that there are answers inside the quoted part. */
const inline =
  /\b(?:inline|in-line|in line|(?:see|answers?|comments?|replies|reply|responses?)\b[^.!?]{0,40}\b(?:below|in (?:red|blue|green|bold)))\b|\b(?:siehe|antworten?|kommentare?)\b[^.!?]{0,40}\b(?:unten|im text|rot|blau)\b|\bci-dessous\b/i;

type Mode = 'drop' | 'fold' | 'keep';
type Parts = { readonly own: string; readonly quote: string };
/** Positions in the HTML. */
type Span = { readonly start: number; readonly end: number };

/**
 * Removes (`drop`), folds or keeps quoted text. `fold` moves it to the end inside a quotation, which helpdesks show
 * folded. A note that consists only of a quotation is kept. The result is sanitised.
 */
export function quoted(html: string, mode: Mode): { readonly html: string; readonly dropped: boolean } {
  const same = { html, dropped: false };
  if (mode === 'keep') return same;
  const lines = linesOf(html);
  const span = quotedSpan(html, lines);
  if (span === null) return same;
  const { own, quote } = partsOf(html, span);
  if (isEmpty(own) || isEmpty(quote)) return same;
  if (mode === 'drop') return { html: own, dropped: true };
  if (html === own + quote && quote.startsWith('<blockquote>')) return same;
  const folded = quote.startsWith('<blockquote>') && isOne(quote) ? quote : `<blockquote>${quote}</blockquote>`;
  return { html: sanitise(own + folded), dropped: false };
}

/** Returns the first quotation from the top; null if there is none, or in doubt. */
function quotedSpan(html: string, lines: readonly Line[]): Span | null {
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at];
    if (line === undefined) break;
    // Forwarded mail is what somebody wants to say.
    if (forwarded.test(line.text)) return null;
    if (line.depth === 0 && (original.test(line.text) || isHeader(lines, at))) return headerSpan(html, lines, at);
    const first = attributionStart(lines, at);
    if (first === null) continue;
    const found = attributionSpan(html, lines, first, at);
    if (found === 'doubt') return null;
    if (found !== null) return found;
  }
  return null;
}

/** Recognises `From:`, a date and a subject on nearby lines; some programs put the date first. */
function isHeader(lines: readonly Line[], at: number): boolean {
  const opening = lines[at];
  if (opening === undefined) return false;
  const isFirst = from.test(opening.text);
  if (!isFirst && !sent.test(opening.text)) return false;
  const below = lines.slice(at + 1, at + 9);
  return below.some(({ text }) => (isFirst ? sent : from).test(text)) && below.some(({ text }) => subject.test(text));
}

/** Takes everything from the header block of the answered mail on: mail programs put it last. */
function headerSpan(html: string, lines: readonly Line[], at: number): Span | null {
  const own = lines.slice(0, at);
  if (own.some(({ text }) => inline.test(text))) return null;
  const below = lines.slice(at + 1);
  const firstMarked = below.findIndex(isMarked);
  if (firstMarked !== -1 && below.slice(firstMarked).some((line) => !isMarked(line))) return null;
  const before = lines[at - 1];
  const begins = before !== undefined && rule.test(before.text) ? before : lines[at];
  return begins === undefined ? null : { start: withOpenTags(html, begins.start), end: html.length };
}

/** Finds the first line of an attribution that ends at `at`: programs break it into up to three lines. */
function attributionStart(lines: readonly Line[], at: number): number | null {
  const last = lines[at];
  if (last === undefined || last.text.length > 600 || !attributionEnd.test(last.text)) return null;
  for (let first = at, text = ''; first >= 0 && first > at - 3; first -= 1) {
    const line = lines[first];
    if (line === undefined || line.depth !== last.depth || line.text.length > 600) return null;
    // A separate paragraph belongs to the attribution only if it plainly says when somebody wrote.
    if (first < at && line.endsBlock && !saysWhen(line)) return null;
    text = `${unmarked(line.text)} ${text}`.trim();
    if (!opener.test(text) && !address.test(text) && !instant.test(text)) continue;
    const above = lines[first - 1];
    return above !== undefined && above.depth === last.depth && !saysWhen(line) && saysWhen(above) ? first - 1 : first;
  }
  return null;
}

function saysWhen({ text }: Line): boolean {
  const bare = unmarked(text);
  return bare.length < 600 && opener.test(bare) && instant.test(bare);
}

/** Finds the attribution and the quotation directly after it. Text below it is the answer and stays. */
function attributionSpan(html: string, lines: readonly Line[], first: number, last: number): Span | 'doubt' | null {
  const opening = lines[first];
  if (opening === undefined) return null;
  const isInside = isMarked(opening);
  // Inside a quotation only if the attribution opens that quotation.
  const before = lines[first - 1];
  if (isInside && before !== undefined && isMarked(before)) return null;
  let end = last + 1;
  while (end < lines.length && isMarkedAt(lines, end)) end += 1;
  if (end === last + 1) return null;
  const rest = lines.slice(end);
  const isAnswered = rest.length > 0;
  if (isAnswered && (first > 0 || rest.some(isMarked))) return 'doubt';
  const closing = lines[end - 1];
  if (closing === undefined) return null;
  return {
    start: opening.depth > 0 ? opening.quoteStart : withOpenTags(html, opening.start),
    end: closing.depth > 0 ? closing.quoteEnd : withBreaks(html, closing.end),
  };
}

function isMarked({ depth, text }: Line): boolean {
  return depth > 0 || /^(?:>|\|\s)/.test(text);
}

function isMarkedAt(lines: readonly Line[], at: number): boolean {
  const line = lines[at];
  return line !== undefined && isMarked(line);
}

function unmarked(text: string): string {
  return text.replace(/^(?:>\s?){1,20}/, '').replace(/^-{2,10}\s/, '');
}

const openTags = /(?:<(?:p|div|b|strong|span|hr \/)>\s{0,20})*-{0,60}$/;

/** Moves the position back to before the elements that open directly before it. */
function withOpenTags(html: string, position: number): number {
  return position - (openTags.exec(html.slice(Math.max(0, position - 200), position))?.[0].length ?? 0);
}

/** Moves the position past the line breaks that follow it. */
function withBreaks(html: string, position: number): number {
  const breaks = /(?:<br \/>|<\/(?:p|div|span)>|[\s\u00a0])*/y;
  breaks.lastIndex = position;
  return position + (breaks.exec(html)?.[0].length ?? 0);
}

function partsOf(html: string, { start, end }: Span): Parts {
  return { own: part(html.slice(0, start) + html.slice(end)), quote: part(html.slice(start, end)) };
}

/** Makes a fragment of a note valid HTML: elements that the cut left open are closed. */
function part(html: string): string {
  return withoutEmpty(sanitise(html));
}

/** Tells whether the HTML is a single quotation with nothing after it. */
function isOne(html: string): boolean {
  let depth = 0;
  for (const tag of html.matchAll(/<(\/?)blockquote>/g)) {
    depth += tag[1] === '/' ? -1 : 1;
    if (depth === 0) return tag.index + tag[0].length === html.length;
  }
  return false;
}

function isEmpty(html: string): boolean {
  return linesOf(html).length === 0;
}
