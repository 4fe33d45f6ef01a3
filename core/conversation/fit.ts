/**
 * Fits a command to the limits of the desk that will carry it out. Text that the desk would cut or refuse is cut here,
 * between characters; the note keeps the full text, and a reason reports the cut.
 */
import { htmlToText, missingFile } from '#core/text/html.ts';
import { reason } from '#core/words/reasons.ts';
import { cutBytes, cutText, escapeHtml, textToHtml } from '#core/text/text.ts';
import type { Attachment, Command, FieldValue, Reason, TicketSnapshot } from '#core/words/vocabulary.ts';

/** Maximum length of a text, counted the way the desk counts it. */
export type TextLimit = {
  readonly most: number;
  readonly unit: 'characters' | 'bytes';
  /** The text is HTML: its content is cut, never a tag. */
  readonly html?: boolean;
};

/** Limits of a desk; null or absent means that no limit is known. */
export type DeskLimits = {
  readonly subject?: TextLimit | null;
  /** For the text of any field. */
  readonly field?: TextLimit | null;
  /** For fields with limits of their own, by name. */
  readonly fields?: Readonly<Record<string, TextLimit>>;
  readonly noteBytes?: number | null;
  readonly fileBytes?: number | null;
};

export type Fitted = { readonly command: Command; readonly drops: readonly Reason[] };

/** @param snapshot the ticket as last read: text that was cut earlier and already has that value is not a change */
export function fitCommand(
  given: Command,
  limits: DeskLimits,
  desk: string,
  snapshot: Pick<TicketSnapshot, 'summary' | 'fields'> | null,
): Fitted {
  const drops: Reason[] = [];
  const whole: string[] = [];
  const cut = (name: string, text: string, limit: TextLimit | null | undefined, now: FieldValue): string | null => {
    const short = limit === null || limit === undefined ? text : shortened(text, limit);
    if (short === text) return text;
    if (short === now) return null;
    drops.push(reason('shortened', { desk, name, expected: `${limit?.most ?? 0} ${limit?.unit ?? 'characters'}` }));
    const said = escapeHtml(text).replaceAll(/\r\n?|\n/g, '<br />');
    const title = `<strong>${escapeHtml(name)}:</strong>`;
    whole.push(limit?.html === true ? `<p>${title}</p>${text}` : `<p>${title} ${said}</p>`);
    return short;
  };

  let command: Command = given;
  if (given.open !== undefined) {
    const summary = cut('Subject', given.open.summary, limits.subject, null) ?? given.open.summary;
    command = { ...command, open: { ...given.open, summary } };
  }
  if (given.summary !== undefined) {
    const { summary: _, ...rest } = command;
    const short = cut('Subject', given.summary, limits.subject, snapshot?.summary ?? null);
    command = short === null ? rest : { ...rest, summary: short };
  }
  const fields: Record<string, FieldValue> = {};
  for (const [name, value] of Object.entries(given.fields)) {
    const limit = limits.fields?.[name] ?? limits.field;
    const short = typeof value === 'string' ? cut(name, value, limit, snapshot?.fields[name] ?? null) : value;
    if (short !== null || value === null) fields[name] = short;
  }

  const attachments: Attachment[] = [];
  for (const file of given.attachments) {
    const { fileBytes } = limits;
    if (fileBytes === null || fileBytes === undefined || (file.sizeBytes ?? 0) <= fileBytes) {
      attachments.push(file);
      continue;
    }
    const why = `it is larger than ${desk} takes (${fileBytes} bytes)`;
    drops.push(reason('attachment-failed', { name: file.name, detail: `It is larger than ${desk} takes` }));
    whole.push(missingFile(file.name, why));
  }

  const note = whole.length === 0 ? given.note : [given.note ?? '', ...whole].join('');
  const { noteBytes } = limits;
  if (note !== null && noteBytes !== null && noteBytes !== undefined && Buffer.byteLength(note) > noteBytes) {
    // The connector attaches the full note as a file.
    drops.push(reason('shortened', { desk, name: 'Note', expected: `${noteBytes} bytes` }));
  }
  const isSame =
    drops.length === 0 &&
    ('summary' in command || given.summary === undefined) &&
    Object.keys(fields).length === Object.keys(given.fields).length;
  return isSame ? { command: given, drops } : { command: { ...command, fields, note, attachments }, drops };
}

function shortened(text: string, limit: TextLimit): string {
  if (limit.html === true) return shortenedHtml(text, limit);
  return limit.unit === 'bytes' ? cutBytes(text, limit.most) : cutText(text, limit.most);
}

function lengthOf(text: string, { unit }: TextLimit): number {
  return unit === 'bytes' ? Buffer.byteLength(text) : text.length;
}

/**
 * Turns HTML into paragraphs of plain text that fit. Tags count towards the limit, so it retries with less text until
 * the result fits.
 */
function shortenedHtml(html: string, limit: TextLimit): string {
  if (lengthOf(html, limit) <= limit.most) return html;
  const said = htmlToText(html);
  for (let most = limit.most; most > 0; most = Math.floor(most * 0.8)) {
    const short = textToHtml(shortened(said, { most, unit: limit.unit }));
    if (lengthOf(short, limit) <= limit.most) return short;
  }
  return '';
}
