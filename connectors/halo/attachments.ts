/** Files of a ticket: uploaded as a stream, found again by what we noted on them, downloaded as a stream. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { OpenedAttachment } from '#connectors/contract/helpdesk.ts';
import type { Attachment } from '#core/words/vocabulary.ts';
import { sha256Hex } from '#core/text/fingerprint.ts';
import { listActions } from './actions.ts';
import type { Call, WriteCall } from './call.ts';
import type { HaloClient } from './client.ts';
import type { Listed } from './download.ts';
import { withCids } from './html.ts';
import { isPicture } from './pictures.ts';
import { ticketIfThere } from './read.ts';
import type { Desk } from './read.ts';
import { attachment as attachmentSchema, link as linkSchema } from './wire.ts';
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
export async function uploadFile(client: HaloClient, upload: Upload, call: WriteCall): Promise<HaloAttachment> {
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
  return client.upload('Attachment', {}, { type: 'application/json', length, open: body }, attachmentSchema, {
    ...call,
    what,
  });
}

/** Writes a picture for notes, as Halo's own editor does; gives the address that shows it. */
export async function uploadPicture(
  client: HaloClient,
  { ticketId, file, open }: Pick<Upload, 'ticketId' | 'file' | 'open'>,
  call: WriteCall,
): Promise<string> {
  const boundary = `ferry-${randomBytes(18).toString('base64url')}`;
  const name = file.name.replace(/[\r\n"\\]/g, '_');
  const type = /^image\/[\w.+-]+$/.test(file.type ?? '') ? file.type : 'image/png';
  const head = Buffer.from(
    `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\ncontent-type: ${type}\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const length = file.sizeBytes === null ? null : head.length + file.sizeBytes + tail.length;
  const body = {
    type: `multipart/form-data; boundary=${boundary}`,
    length,
    open: () => Readable.from(between(head, open(), tail), { objectMode: false }),
  };
  const what = `Writing picture ${file.name} for ticket ${ticketId}`;
  const { link } = await client.upload('Attachment/image', { ticket_id: ticketId }, body, linkSchema, {
    ...call,
    what,
  });
  return URL.parse(link, `${client.baseUrl}/`)?.href ?? link;
}

async function* between(head: Buffer, file: Readable, tail: Buffer): AsyncGenerator<Uint8Array> {
  yield head;
  yield* file as AsyncIterable<Uint8Array>;
  yield tail;
}

/** An uploaded file as an action names it to take it over: with what Halo said of it, since its id alone is untried. */
export function descriptorOf({ id, filename, filesize, isimage, note }: HaloAttachment): Record<string, unknown> {
  const all = { id, filename, filesize, isimage, note };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null && value !== undefined));
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

export async function listFiles(client: HaloClient, ticketId: string, call: Call): Promise<readonly HaloAttachment[]> {
  const what = `Reading the files of ticket ${ticketId}`;
  const list = { path: 'Attachment', key: 'attachments', query: { ticket_id: ticketId }, row: attachmentSchema };
  const { rows } = await client.list(list, { ...call, what });
  const own = rows.filter(({ ticket_id: of }) => (of ?? 0) <= 0 || String(of) === ticketId);
  if (own.length < rows.length) client.dropped(what, 'attachments[].ticket_id');
  return own;
}

export function fileUrl(baseUrl: string, id: number | string): string {
  return `${baseUrl}/api/attachment/${id}`;
}

const ids = /^(?:[1-9]\d{0,14}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

export async function openFile(desk: Desk, ticketId: string, id: string, call: Call): Promise<OpenedAttachment> {
  const what = { ...call, what: `Fetching file ${id} of ticket ${ticketId}` };
  if (isPicture(id)) return desk.pictures.open(ticketId, id, () => addressesOf(desk, ticketId, id, what), what);
  if (!ids.test(id)) throw new HelpdeskError('gone', 'not-found', `${what.what}: there is no such file.`);
  const listed = async (): Promise<Listed | null> => {
    const files = await listFiles(desk.client, ticketId, what);
    const found = files.find((one) => String(one.id).toLowerCase() === id.toLowerCase());
    if (found === undefined) return null;
    const isPage = /html/i.test(found.content_type ?? '') || /\.x?html?$/i.test(found.filename ?? '');
    return { size: found.filesize ?? null, isPage };
  };
  return desk.client.download(`Attachment/${id}`, listed, what);
}

/** Every address by which the ticket shows this picture now. */
async function addressesOf(desk: Desk, ticketId: string, id: string, call: Call): Promise<readonly string[]> {
  const { client } = desk;
  const ticket = await ticketIfThere(client, ticketId, call);
  if (ticket === null) return [];
  const actions = await listActions(client, ticketId, null, call);
  const notes = [ticket.details_html, ...actions.flatMap((one) => [one.note_html, one.emailbody_html])];
  return notes.flatMap((html) => withCids(html ?? '', client.baseUrl).ids.get(id) ?? []);
}
