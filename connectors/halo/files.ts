/** Files that go with a note: taken up one by one, then shown by the note; one that can't come leaves a placeholder. */
import { Readable } from 'node:stream';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { PerformOptions } from '#connectors/contract/helpdesk.ts';
import type { Written } from '#core/words/desk.ts';
import type { Attachment, Command } from '#core/words/vocabulary.ts';
import { fileKey, fileUrl, findFile, listFiles, uploadFile } from './attachments.ts';
import type { Call } from './client.ts';
import { escapeHtml } from './html.ts';
import type { Made } from './made.ts';
import { quiet } from './quiet.ts';
import type { Desk } from './read.ts';
import { wholeNote } from './steps.ts';
import { action as actionSchema } from './wire.ts';

export type Filing = Desk & { readonly made: Made };

export type Placed = {
  readonly ids: readonly number[];
  /** Of the files, by Ferry's ids. */
  readonly urls: ReadonlyMap<string, string>;
  /** HTML that says which files could not be attached, and why. */
  readonly missing: string;
};

/** Where the files that go with a note already are. */
export async function placed(desk: Filing, ticketId: string, { attachments }: Command, call: Call): Promise<Placed> {
  const ids: number[] = [];
  const urls = new Map<string, string>();
  let missing = '';
  const remembered = attachments.map((file) => desk.made.fileId(ticketId, fileKey(file)));
  const list = remembered.includes(undefined) ? await listFiles(desk.client, ticketId, call) : [];
  for (const [index, file] of attachments.entries()) {
    const id = remembered[index] ?? findFile(list, file)?.id;
    if (id === undefined) {
      missing += placeholder(file, desk.made.refusal(ticketId, fileKey(file)));
      continue;
    }
    ids.push(id);
    urls.set(file.id, fileUrl(desk.client.baseUrl, id));
  }
  return { ids, urls, missing };
}

/** HTML that stands where the file would be. */
function placeholder(file: Attachment, why = 'Halo did not take it'): string {
  return `<p>${escapeHtml(`[File "${file.name}" could not be attached: ${why}]`)}</p>`;
}

export async function attach(
  desk: Filing,
  ticketId: string,
  command: Command,
  options: PerformOptions,
  call: Call,
): Promise<Written> {
  const [file] = command.attachments;
  if (file === undefined) throw new HelpdeskError('refused', 'no-file', 'The step names no file.');
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
    desk.made.rememberFile(ticketId, fileKey(file), done.id);
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
  call: Call,
): Promise<void> {
  const query = { ticket_id: ticketId, includehtmlnote: true };
  const now = await desk.client.get(`Actions/${actionId}`, query, actionSchema, call);
  const note_html = (now.note_html ?? '') + placeholder(file, why);
  const edit = { id: Number(actionId), ticket_id: Number(ticketId), note_html, ...quiet(false) };
  await desk.client.post('Actions', edit, actionSchema, call);
}
