/** Attachments: rows in the database, bytes in files beside it. */
import { createHash, randomUUID } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Desk } from './desk.ts';
import { notFound, refused } from './errors.ts';
import type { Input } from './input.ts';
import { flagOf, textOf, wholeOf } from './input.ts';
import type { Attachment } from './model.ts';
import { pictureUrl } from './pictures.ts';
import { zoneless } from './time.ts';

const typesByEnding: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml',
  pdf: 'application/pdf',
  txt: 'text/plain',
  log: 'text/plain',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
  zip: 'application/zip',
};

/** Guesses a content type from a file name's extension, as the desk does. */
export function contentTypeOf(filename: string): string {
  const ending = /\.([a-z0-9]+)$/i.exec(filename)?.[1]?.toLowerCase() ?? '';
  return typesByEnding[ending] ?? 'application/octet-stream';
}

/** Returns the path of the file that holds an attachment's bytes. */
export function blobPath(desk: Desk, id: number): string {
  return join(desk.blobs, String(id));
}

export interface Received {
  /** A complete file, which becomes the attachment's. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/** Adds an attachment whose bytes are in memory. `guid` is set for a picture in a note. */
export function attachBytes(
  desk: Desk,
  ticketId: number,
  actionId: number,
  element: Input,
  bytes: Buffer,
  guid?: string,
): Attachment {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return attach(desk, ticketId, actionId, element, bytes.length, sha256, (path) => writeFileSync(path, bytes), guid);
}

/** Adds an attachment whose bytes are in a received file. Takes the file over. */
export function attachFile(desk: Desk, ticketId: number, actionId: number, element: Input, file: Received): Attachment {
  return attach(desk, ticketId, actionId, element, file.size, file.sha256, (path) => renameSync(file.path, path));
}

function attach(
  desk: Desk,
  ticketId: number,
  actionId: number,
  element: Input,
  filesize: number,
  sha256: string,
  place: (path: string) => void,
  guid?: string,
): Attachment {
  const filename = textOf(element, 'filename') ?? '';
  if (filename === '') throw refused('A filename is required');
  const id = desk.store.nextNumber('attachment', 500);
  const content_type = textOf(element, 'content_type') ?? contentTypeOf(filename);
  const attachment: Attachment = {
    id,
    ticket_id: ticketId,
    action_id: actionId,
    filename,
    content_type,
    filesize,
    isimage: flagOf(element, 'isimage') ?? content_type.startsWith('image/'),
    sha256,
    datecreated: zoneless(desk.now()),
    showforusers: flagOf(element, 'showforusers') ?? true,
    note: textOf(element, 'note') ?? '',
    ...(guid === undefined ? {} : { guid }),
  };
  place(blobPath(desk, id));
  desk.store.saveAttachment(attachment);
  return attachment;
}

/** Decodes `data_base64`, with or without a `data:` prefix. */
export function bytesOf(element: Input): Buffer {
  const text = textOf(element, 'data_base64');
  if (text === undefined) throw refused('data_base64 is required');
  return Buffer.from(text.replace(/^data:[^,]*,/, ''), 'base64');
}

/**
 * Adds the attachments of an action's `attachments[]`: bytes inline, or the `{id}` of a file uploaded earlier to the
 * same ticket. Returns the addresses for the `cid:` names in the note.
 */
export function attachAll(
  desk: Desk,
  ticketId: number,
  actionId: number,
  elements: readonly Input[],
): ReadonlyMap<string, string> {
  const pictures = new Map<string, string>();
  for (const element of elements) {
    const id = wholeOf(element, 'id') ?? 0;
    if (id > 0) {
      const known = desk.store.attachment(id);
      if (known === null || known.ticket_id !== ticketId) throw notFound(`Attachment ${id}`);
      known.action_id = actionId;
      desk.store.saveAttachment(known);
      continue;
    }
    const cid = textOf(element, 'cid');
    const guid = cid === undefined ? undefined : randomUUID();
    attachBytes(desk, ticketId, actionId, element, bytesOf(element), guid);
    if (cid !== undefined && guid !== undefined) pictures.set(cid, pictureUrl(desk, guid));
  }
  return pictures;
}

/** Makes `cid:` pictures point at the attachments that were created from them. */
export function withPictures(html: string, pictures: ReadonlyMap<string, string>): string {
  let out = html;
  for (const [cid, url] of pictures) out = out.replaceAll(`cid:${cid}`, url);
  return out;
}

/** Builds an attachment as Halo lists it, without its bytes. */
export function attachmentView(attachment: Attachment): Input {
  const { sha256: _sha256, ...rest } = attachment;
  return { ...rest, type: attachment.action_id > 0 ? 1 : 0, unique_id: attachment.id };
}

/** Removes an attachment and its bytes. */
export function dropAttachment(desk: Desk, id: number): void {
  desk.store.run('delete from attachments where id = ?', id);
  rmSync(blobPath(desk, id), { force: true });
}
