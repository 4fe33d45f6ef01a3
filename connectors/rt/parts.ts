/** The parts of RT's messages: which are the text, which are files, and the marks Ferry left in their headers. */
import type { Attachment } from '#core/words/vocabulary.ts';
import { unflowed } from '#core/text/flowed.ts';
import { textToHtml } from '#core/text/text.ts';
import { plainText } from '#core/text/plain.ts';
import { attachedMailId } from './attached-mail.ts';
import { pointImages } from './notes.ts';
import { isContainer, isMail, treeOf } from './tree.ts';
import type { Node } from './tree.ts';
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
    const found = /;\s{0,10}ferry-event="?([0-9A-Za-z._:-]{1,200})"?/.exec(header(part, 'Content-Type'))?.[1];
    if (found !== undefined) return found;
  }
  return null;
}

/** Whether there may be parts besides the texts, so that files must be asked for. */
export function mayHaveFiles(texts: readonly RtPart[]): boolean {
  if (texts.length === 0 || texts.some((part) => isMail(part.ContentType) || isFile(part))) return true;
  const containers = texts.filter(isContainer);
  if (containers.some((part) => part.ContentType !== 'multipart/alternative')) return true;
  // An alternative that is more or less than a text and the same as HTML holds something else, such as an invitation.
  const types = texts.filter((part) => !isContainer(part)).map((part) => part.ContentType);
  return containers.length > 0 && types.toSorted().join() !== 'text/html,text/plain';
}

export type Message = { readonly note: string | null; readonly attachments: readonly Attachment[] };

/**
 * What a mail says itself comes first, in the order of its parts; mails attached to it, invitations and whatever is no
 * text of its own are files. Of alternatives the HTML is taken, or what says something.
 * @param texts parts of text without a file name, and containers, with content
 * @param files all parts, without content
 */
export function messageOf(texts: readonly RtPart[], files: readonly RtPart[]): Message {
  const found: Found = { bodies: [], files: [] };
  for (const node of treeOf([...texts, ...files])) collect(node, found);
  const listed = new Map(files.map((part) => [part.id, part]));
  const attachments = found.files
    .toSorted((a, b) => Number(a.part.id) - Number(b.part.id))
    .map((node) => attachmentOf({ ...node, part: listed.get(node.part.id) ?? node.part }));
  const byContentId = new Map<string, string>();
  for (const part of files) {
    const contentId = header(part, 'Content-ID').replace(/^<|>$/g, '');
    if (contentId !== '') byContentId.set(contentId.toLowerCase(), part.id);
  }
  const text = found.bodies.map(htmlOf).filter(says).join('\n');
  if (text === '') return { note: null, attachments };
  const pointed = pointImages(text, byContentId, new Set(attachments.map((file) => file.id)));
  return {
    note: pointed.html,
    attachments: attachments.map((file) => (pointed.used.has(file.id) ? { ...file, inline: true } : file)),
  };
}

type Found = { readonly bodies: RtPart[]; readonly files: Node[] };

function collect(node: Node, found: Found): void {
  const { part, children } = node;
  if (isMail(part.ContentType)) {
    found.files.push(node);
  } else if (part.ContentType === 'multipart/alternative') {
    collectAlternative(children, found);
  } else if (part.ContentType.startsWith('multipart/')) {
    for (const child of children) collect(child, found);
  } else if (isFile(part)) {
    found.files.push(node);
    // What RT keeps beside an encrypted mail.
  } else if (part.ContentType !== 'application/x-rt-original-message') {
    found.bodies.push(part);
  }
}

/** One of them says it; what is no other form of the same, such as an invitation, is a file. */
function collectAlternative(children: readonly Node[], found: Found): void {
  const choices = children.map((child) => {
    const own: Found = { bodies: [], files: [] };
    collect(child, own);
    return own;
  });
  const isHtml = ({ bodies }: Found): boolean => bodies.some((part) => part.ContentType === 'text/html');
  const speaking = choices.filter(({ bodies }) => bodies.some((part) => saysItself(htmlOf(part))));
  const chosen = speaking.findLast(isHtml) ?? speaking.at(-1) ?? choices.at(-1);
  if (chosen !== undefined) found.bodies.push(...chosen.bodies);
  for (const { files } of choices) found.files.push(...files);
}

function htmlOf(part: RtPart): string {
  if (part.ContentType === 'text/html') return part.Content;
  return textToHtml(unflowed(part.Content, header(part, 'Content-Type')));
}

/** Longer than this nobody looks for a first word. Characters. */
const lookedThrough = 200_000;

/** Some programs send an HTML part of nothing but elements beside the text. */
function says(html: string): boolean {
  return /<img\b/i.test(html) || saysItself(html);
}

/** A picture from elsewhere, which is never loaded, may be no more than what tells the sender that a mail was opened. */
function saysItself(html: string): boolean {
  if (html.trim() === '') return false;
  const isLong = html.length > lookedThrough;
  return isLong || /<img\b[^<>]{0,2000}\bsrc\s?=\s?["']?(?:cid|data):/i.test(html) || plainText(html).trim() !== '';
}

function isFile(part: RtPart): boolean {
  if (part.ContentType.startsWith('multipart/')) return false;
  // What RT keeps beside an encrypted mail.
  if (part.ContentType === 'application/x-rt-original-message') return false;
  if (part.Filename !== '') return true;
  if (/^attachment\b/i.test(header(part, 'Content-Disposition'))) return true;
  return !bodyTypes.has(part.ContentType);
}

/** Texts that people write; every other one is data in the form of text. */
const bodyTypes: ReadonlySet<string> = new Set(['text/plain', 'text/html', 'text/enriched', 'text/markdown', 'text']);

function attachmentOf({ part, children }: Node): Attachment {
  const size = Number(part.ContentLength ?? Number.NaN);
  const isAttachedMail = isMail(part.ContentType) && children.length > 0;
  return {
    id: isAttachedMail ? attachedMailId(part.id) : part.id,
    name: part.Filename === '' ? nameOf(part, children) : part.Filename,
    type: part.ContentType === '' ? null : part.ContentType,
    // RT keeps an attached mail as its parts.
    sizeBytes: Number.isSafeInteger(size) && !isAttachedMail ? size : null,
    inline: false,
    sha256: null,
  };
}

function nameOf(part: RtPart, children: readonly Node[]): string {
  if (isMail(part.ContentType)) {
    const [child] = children;
    const subject = child === undefined ? '' : header(child.part, 'Subject');
    return `${/^[\u0020-\u007e]{1,100}$/.test(subject) && !subject.includes('=?') ? subject : `mail-${part.id}`}.eml`;
  }
  return named.get(part.ContentType) ?? `attachment-${part.id}${endings.get(part.ContentType) ?? ''}`;
}

/** Parts that programs send without a name. */
const named: ReadonlyMap<string, string> = new Map([
  ['text/calendar', 'invitation.ics'],
  ['application/ics', 'invitation.ics'],
  ['message/delivery-status', 'delivery-status.txt'],
  ['message/disposition-notification', 'disposition-notification.txt'],
  ['text/rfc822-headers', 'headers.txt'],
]);
const endings: ReadonlyMap<string, string> = new Map([
  ['image/png', '.png'],
  ['image/jpeg', '.jpg'],
  ['image/gif', '.gif'],
  ['application/pdf', '.pdf'],
  ['text/csv', '.csv'],
  ['text/vcard', '.vcf'],
  ['text/x-vcard', '.vcf'],
  ['text/x-amp-html', '.html'],
  ['text/rtf', '.rtf'],
  ['application/rtf', '.rtf'],
]);

export function header(part: RtPart, name: string): string {
  const wanted = `${name.toLowerCase()}:`;
  const lines = part.Headers.split('\n');
  const first = lines.findIndex((line) => line.slice(0, wanted.length).toLowerCase() === wanted);
  if (first === -1) return '';
  // Lines that begin with white space continue a header.
  const rest = lines.slice(first + 1);
  const end = rest.findIndex((line) => !/^[ \t]/.test(line));
  const more = end === -1 ? rest : rest.slice(0, end);
  return [lines[first]?.slice(wanted.length) ?? '', ...more].map((line) => line.trim()).join(' ');
}
