/** Files of a ticket: uploaded as a stream, found again by what we noted on them, downloaded as a stream. */
import { Readable } from 'node:stream';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { OpenedAttachment } from '#connectors/contract/helpdesk.ts';
import type { Attachment } from '#core/words/vocabulary.ts';
import { sha256Hex } from '#core/text/fingerprint.ts';
import type { Call, HaloClient } from './client.ts';
import { attachment as attachmentSchema, attachmentList } from './wire.ts';
import type { HaloAttachment } from './wire.ts';

export type Upload = {
  readonly ticketId: string;
  /** Null: on the ticket itself, until a note takes it over. */
  readonly actionId: string | null;
  readonly file: Attachment;
  readonly shownToUser: boolean;
  readonly marker: string;
  open(): Readable;
};

/** The same for the same file in every step and attempt: by its bytes and its name, since two files may hold the same. */
export function fileKey(file: Attachment): string {
  return `${bytesKey(file)}-${sha256Hex(file.name).slice(0, 16)}`;
}

/** As earlier versions noted it. */
function bytesKey(file: Attachment): string {
  return file.sha256 ?? file.id;
}

function noteOf(file: Attachment, marker: string): string {
  return `ferry ${marker} ${fileKey(file)}`;
}

export function isOurs(one: HaloAttachment, marker: string): boolean {
  return one.note?.startsWith(`ferry ${marker} `) === true;
}

/** Halo's id of the file, if it is on the ticket. */
export function findFile(list: readonly HaloAttachment[], file: Attachment): HaloAttachment | undefined {
  const ours = list.filter((one) => one.note?.startsWith('ferry ') === true);
  return (
    ours.findLast((one) => one.note?.endsWith(` ${fileKey(file)}`)) ??
    ours.findLast((one) => one.note?.endsWith(` ${bytesKey(file)}`) && one.filename === file.name)
  );
}

/** Streams a file into Halo as base64; memory does not grow with its size. */
export async function uploadFile(client: HaloClient, upload: Upload, call: Call): Promise<HaloAttachment> {
  const { ticketId, actionId, file, shownToUser, marker } = upload;
  const isImage = file.type?.startsWith('image/') ?? /\.(png|jpe?g|gif|webp|bmp|svg)$/i.test(file.name);
  const element = JSON.stringify({
    ticket_id: Number(ticketId),
    ...(actionId === null ? {} : { action_id: Number(actionId) }),
    filename: file.name,
    ...(file.type === null ? {} : { content_type: file.type }),
    isimage: isImage,
    showforusers: shownToUser,
    note: noteOf(file, marker),
    data_base64: '',
  });
  const head = Buffer.from(`[${element.slice(0, -2)}`);
  const tail = Buffer.from('"}]');
  const length = file.sizeBytes === null ? null : head.length + Math.ceil(file.sizeBytes / 3) * 4 + tail.length;
  const body = (): Readable => Readable.from(encoded(head, upload.open(), tail), { objectMode: false });
  const what = `Attaching ${file.name} to ticket ${ticketId}`;
  return client.upload('Attachment', body, length, attachmentSchema, { ...call, what });
}

/** A multiple of three. */
const pieceBytes = 48 * 1024;

async function* encoded(head: Buffer, file: Readable, tail: Buffer): AsyncGenerator<Buffer> {
  yield head;
  let carry: Buffer = Buffer.alloc(0);
  for await (const chunk of file as AsyncIterable<Uint8Array>) {
    const bytes =
      carry.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
        : Buffer.concat([carry, chunk]);
    const whole = bytes.length - (bytes.length % 3);
    carry = Buffer.from(bytes.subarray(whole));
    // In small pieces, so that what is thrown away stays in the young generation.
    for (let at = 0; at < whole; at += pieceBytes) {
      yield Buffer.from(bytes.toString('base64', at, Math.min(at + pieceBytes, whole)), 'latin1');
    }
  }
  if (carry.length > 0) yield Buffer.from(carry.toString('base64'), 'latin1');
  yield tail;
}

export async function listFiles(client: HaloClient, ticketId: string, call: Call): Promise<HaloAttachment[]> {
  const what = `Reading the files of ticket ${ticketId}`;
  const { attachments } = await client.get('Attachment', { ticket_id: ticketId }, attachmentList, { ...call, what });
  return attachments;
}

export function fileUrl(baseUrl: string, id: number): string {
  return `${baseUrl}/api/attachment/${id}`;
}

export async function openFile(
  client: HaloClient,
  ticketId: string,
  id: string,
  call: Call,
): Promise<OpenedAttachment> {
  const what = `Fetching file ${id} of ticket ${ticketId}`;
  if (!/^[1-9]\d{0,14}$/.test(id)) throw new HelpdeskError('gone', 'not-found', `${what}: there is no such file.`);
  return client.download(`Attachment/${id}`, { ...call, what });
}
