/** What a trial writes: a note with markup of every usual kind, a picture, and texts and files of a size. */
import { createHash } from 'node:crypto';
import type { Attachment } from '#core/words/vocabulary.ts';

export type TrialFile = Attachment & { readonly bytes: Buffer };

export const trialAuthor = 'Ferry';
export const trialValue = 'Ferry tries this field';
export const trialSubject = 'Ferry tries a long subject. ';
export const trialEdited = 'This was edited.';

/** Kinds of markup, each with what shows that it came back. */
export const markup = {
  emphasis: /<(?:b|strong)\b/i,
  lists: /<ul\b[\s\S]*<li\b/i,
  links: /<a\b[^>]*\bhref=["']?https:\/\/example\.com\//i,
  tables: /<table\b[\s\S]*<td\b/i,
  headings: /<h3\b/i,
  quotes: /<blockquote\b/i,
  code: /<pre\b/i,
  styles: /\bstyle=["'][^"']*color/i,
} as const;

export const trialNote =
  '<h3>Ferry checks this helpdesk</h3><p>Nobody has to do anything. <b>Soon this is deleted.</b></p>' +
  '<ul><li>a list</li></ul><p><a href="https://example.com/">a link</a></p>' +
  '<table><tbody><tr><td>a table</td></tr></tbody></table><blockquote>a quote</blockquote><pre>code</pre>' +
  '<p><span style="color: red">a colour</span></p>';

/** A red dot. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==',
  'base64',
);

export const trialPicture = fileOf('ferry-check.png', 'image/png', png, true);
export const trialText = fileOf('ferry-check.txt', 'text/plain', Buffer.from('Ferry checks this helpdesk.\n'));

/** @param bytes of the file; its content can't be made smaller by guessing */
export function trialFileOf(bytes: number): TrialFile {
  return fileOf(`ferry-check-${bytes}.bin`, 'application/octet-stream', Buffer.alloc(bytes, 'ferry'));
}

/** A note of so many bytes at most, that says so at its end. */
export function trialNoteOf(bytes: number): { readonly note: string; readonly end: string } {
  const end = `This is the end of ${bytes} bytes.`;
  const line = '<p>Ferry tries how long a note may be.</p>';
  const last = `<p>${end}</p>`;
  return { note: line.repeat(Math.floor((bytes - last.length) / line.length)) + last, end };
}

function fileOf(name: string, type: string, bytes: Buffer, inline = false): TrialFile {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { id: name, name, type, sizeBytes: bytes.length, inline, sha256, bytes };
}
