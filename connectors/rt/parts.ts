/** The parts of RT's messages: which are the text, which are files, and the marks Ferry left in their headers. */
import type { Attachment } from '#core/words/vocabulary.ts';
import { textToHtml } from '#core/text/text.ts';
import { pointImages } from './notes.ts';
import type { RtPart } from './wire.ts';

/**
 * The marker of a write travels as a parameter of its note's content type: that is the one header REST2 lets a client
 * set, it is stored in the same database transaction as the note, and every listing of messages shows it.
 */
export function markedHtml(marker: string, mailsUser: boolean): string {
  return `text/html; ferry-event="${cleanMarker(marker)}"${mailsUser ? '; ferry-mails="1"' : ''}`;
}

export function cleanMarker(marker: string): string {
  return marker.replace(/[^0-9A-Za-z._:-]/g, '-');
}

export function markerOf(parts: readonly RtPart[]): string | null {
  for (const part of parts) {
    const found = /;\s*ferry-event="?([0-9A-Za-z._:-]+)"?/.exec(header(part, 'Content-Type'))?.[1];
    if (found !== undefined) return found;
  }
  return null;
}

/** Whether there may be parts besides the texts, so that files must be asked for. */
export function mayHaveFiles(texts: readonly RtPart[]): boolean {
  const containers = texts.filter((part) => part.ContentType.startsWith('multipart/'));
  if (containers.some((part) => part.ContentType !== 'multipart/alternative')) return true;
  return texts.length === containers.length;
}

export type Message = { readonly note: string | null; readonly attachments: readonly Attachment[] };

/**
 * @param texts parts of text without a file name, and containers, with content
 * @param files all parts, without content
 */
export function messageOf(texts: readonly RtPart[], files: readonly RtPart[]): Message {
  const alternatives = texts.some((part) => part.ContentType === 'multipart/alternative');
  const bodies = texts.filter((part) => part.ContentType.startsWith('text/') && !isFile(part));
  const html = bodies.filter((part) => part.ContentType === 'text/html');
  const chosen = alternatives && html.length > 0 ? html : bodies;
  const attachments = files.filter(isFile).map(attachmentOf);
  const byContentId = new Map<string, string>();
  for (const part of files) {
    const contentId = header(part, 'Content-ID').replace(/^<|>$/g, '');
    if (contentId !== '') byContentId.set(contentId.toLowerCase(), part.id);
  }
  const text = chosen
    .map((part) => (part.ContentType === 'text/html' ? part.Content : textToHtml(part.Content)))
    .filter((one) => one.trim() !== '')
    .join('\n');
  if (text === '') return { note: null, attachments };
  const pointed = pointImages(text, byContentId, new Set(attachments.map((file) => file.id)));
  return {
    note: pointed.html,
    attachments: attachments.map((file) => (pointed.used.has(file.id) ? { ...file, inline: true } : file)),
  };
}

function isFile(part: RtPart): boolean {
  if (part.ContentType.startsWith('multipart/')) return false;
  // What RT keeps beside an encrypted mail.
  if (part.ContentType === 'application/x-rt-original-message') return false;
  if (part.Filename !== '') return true;
  return !part.ContentType.startsWith('text/') || /^attachment\b/i.test(header(part, 'Content-Disposition'));
}

function attachmentOf(part: RtPart): Attachment {
  const size = Number(part.ContentLength ?? Number.NaN);
  return {
    id: part.id,
    name: part.Filename === '' ? `attachment-${part.id}` : part.Filename,
    type: part.ContentType === '' ? null : part.ContentType,
    sizeBytes: Number.isSafeInteger(size) ? size : null,
    inline: false,
    sha256: null,
  };
}

function header(part: RtPart, name: string): string {
  const wanted = `${name.toLowerCase()}:`;
  // A header goes on in lines that begin with white space.
  const line = part.Headers.replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .find((one) => one.toLowerCase().startsWith(wanted));
  return line === undefined ? '' : line.slice(wanted.length).trim();
}
