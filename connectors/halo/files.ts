/** Files that go with a note: taken up one by one, then shown by the note; one that can't come leaves a placeholder. */
import { Readable } from 'node:stream';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { PerformOptions } from '#connectors/contract/helpdesk.ts';
import type { Written } from '#core/words/desk.ts';
import type { Attachment, Command } from '#core/words/vocabulary.ts';
import { listActions } from './actions.ts';
import { descriptorOf, fileKey, fileUrl, findFile, listFiles, uploadFile, uploadPicture } from './attachments.ts';
import type { WriteCall } from './call.ts';
import { escapeHtml } from './html.ts';
import type { Made } from './made.ts';
import { quiet } from './quiet.ts';
import type { Desk } from './read.ts';
import { wholeNote } from './steps.ts';
import { action as actionSchema } from './wire.ts';
import type { HaloAttachment } from './wire.ts';

export type Filing = Desk & { readonly made: Made };

export type Placed = {
  /** What an action names them by. */
  readonly descriptors: readonly Readonly<Record<string, unknown>>[];
  /** Of the pictures, by Ferry's ids. */
  readonly urls: ReadonlyMap<string, string>;
  /** HTML that says which files could not be attached, and why. */
  readonly missing: string;
};

/** Where the files that go with a note already are. A picture that nobody remembers is written again. */
export async function placed(
  desk: Filing,
  ticketId: string,
  { attachments }: Command,
  options: PerformOptions,
  call: WriteCall,
): Promise<Placed> {
  const descriptors: Readonly<Record<string, unknown>>[] = [];
  const urls = new Map<string, string>();
  let missing = '';
  let list: readonly HaloAttachment[] | null = null;
  for (const file of attachments) {
    const key = fileKey(file);
    const why = desk.made.refusal(ticketId, key);
    const isKnown = desk.made.picture(ticketId, key) !== undefined || desk.made.file(ticketId, key) !== undefined;
    if (file.inline && why === undefined && !isKnown) await writePicture(desk, ticketId, file, options, call);
    const picture = desk.made.picture(ticketId, key);
    if (picture !== undefined) {
      urls.set(file.id, picture);
      continue;
    }
    const refusal = desk.made.refusal(ticketId, key);
    let known = desk.made.file(ticketId, key);
    if (known === undefined && refusal === undefined) {
      list ??= await listFiles(desk.client, ticketId, call);
      known = findFile(list, file);
    }
    if (known === undefined) {
      missing += placeholder(file, refusal);
      continue;
    }
    descriptors.push(descriptorOf(known));
    urls.set(file.id, fileUrl(desk.client.baseUrl, known.id));
  }
  return { descriptors, urls, missing };
}

/** Throws HelpdeskError; what Halo refuses is remembered instead, for the note says so. */
async function writePicture(
  desk: Filing,
  ticketId: string,
  file: Attachment,
  options: PerformOptions,
  call: WriteCall,
): Promise<void> {
  const key = fileKey(file);
  const open = (): Readable => options.openStaged(file);
  try {
    desk.made.rememberPicture(ticketId, key, await uploadPicture(desk.client, { ticketId, file, open }, call));
  } catch (error) {
    if (!(error instanceof HelpdeskError)) throw error;
    // A picture that may have been written and shows nowhere changed nothing.
    if (error.class === 'in-doubt') throw new HelpdeskError('retry', error.code, error.message, { cause: error });
    if (error.class !== 'refused' && error.class !== 'gone') throw error;
    desk.made.rememberRefusal(ticketId, key, error.message);
  }
}

/** HTML in place of the file. */
function placeholder(file: Attachment, why = 'Halo did not take it'): string {
  return `<p>${escapeHtml(`[File "${file.name}" could not be attached: ${why}]`)}</p>`;
}

export async function attach(
  desk: Filing,
  ticketId: string,
  command: Command,
  options: PerformOptions,
  call: WriteCall,
): Promise<Written> {
  const [file] = command.attachments;
  if (file === undefined) throw new HelpdeskError('refused', 'no-file', 'The step names no file.');
  if (file.inline) {
    // Also where one is remembered: the ticket may be another one of the same number, on a desk that was restored.
    await writePicture(desk, ticketId, file, options, call);
    return { ticketId, actionIds: [] };
  }
  const text = wholeNote(file);
  // Files that wait on the ticket for their note show to nobody; a hidden note's are bound to it at once.
  const actionId = command.note === null ? null : await desk.made.actionOf(desk, ticketId, command.note, call);
  const upload = {
    ticketId,
    actionId,
    file,
    shownToUser: command.visibility === 'visible',
    marker: options.marker,
    open: () => (text === null ? options.openStaged(file) : Readable.from([Buffer.from(text)])),
  };
  try {
    const done = await uploadFile(desk.client, upload, call);
    desk.made.rememberFile(ticketId, fileKey(file), { ...done, filename: done.filename ?? file.name });
  } catch (error) {
    // A file that can not come never stops its note: the note says so instead.
    if (!(error instanceof HelpdeskError) || error.class !== 'refused') throw error;
    desk.made.rememberRefusal(ticketId, fileKey(file), error.message);
    if (actionId !== null) await addPlaceholder(desk, ticketId, actionId, file, error.message, call);
  }
  return { ticketId, actionIds: [] };
}

async function addPlaceholder(
  desk: Filing,
  ticketId: string,
  actionId: string,
  file: Attachment,
  why: string,
  call: WriteCall,
): Promise<void> {
  // One action alone is shown without its HTML.
  const now = (await listActions(desk.client, ticketId, null, call)).find(({ id }) => String(id) === actionId);
  if (now === undefined)
    throw new HelpdeskError('retry', 'note-not-there', `Ticket ${ticketId} does not show its note.`);
  const note_html = (now.note_html ?? '') + placeholder(file, why);
  const edit = { id: Number(actionId), ticket_id: Number(ticketId), note_html, ...quiet(false) };
  await desk.client.post('Actions', edit, actionSchema, call);
}
