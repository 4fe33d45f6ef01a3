/** Notes on their way into RT and out of it. */
import { defuseTagsInHtml } from '#core/text/defuse.ts';
import { escapeHtml } from '#core/text/text.ts';
import type { Attachment, Command } from '#core/words/vocabulary.ts';
import { rewriteImages } from '#core/text/images.ts';

/**
 * The note as RT gets it: who wrote it on the first line, since RT shows our own account as the author; pictures by a
 * Content-ID of this message; files that RT does not take named.
 * @returns null when there is neither a note nor a file
 */
export function composeNote(command: Command): string | null {
  if (command.note === null && command.attachments.length === 0) return null;
  const who = `<strong>${escapeHtml(command.author.localAccount ?? command.author.display)}</strong>`;
  const lead = command.note === null ? `<p>${who} attached:</p>` : `<p>${who} wrote:</p>`;
  const empty = command.attachments
    .filter((file) => file.sizeBytes === 0)
    .map((file) => `<p>[${escapeHtml(file.name)}: an empty file]</p>`);
  return defuseTagsInHtml(
    [lead, ...(command.note === null ? [] : [placePictures(command.note, uploads(command))]), ...empty].join('\n'),
  );
}

/** Files that go along; RT refuses empty ones. */
export function uploads(command: Command): readonly Attachment[] {
  return command.attachments.filter((file) => file.sizeBytes !== 0);
}

/** A picture's name within its message; ids of other desks say nothing here. */
export function contentIdOf(index: number): string {
  return `ferry-file-${index + 1}`;
}

function placePictures(html: string, files: readonly Attachment[]): string {
  return rewriteImages(html, (src) => {
    const id = /^cid:(.*)$/is.exec(src.trim())?.[1];
    if (id === undefined) return null;
    const index = files.findIndex((file) => file.id === id);
    return index === -1 ? { instead: '<em>[picture, not attached]</em>' } : { src: `cid:${contentIdOf(index)}` };
  });
}

/** The text of a note that travels as a file, because it is longer than RT should be given as one text. */
type NoteFile = Attachment & { readonly noteText: string };

export function noteTextOf(file: Attachment): string | null {
  return 'noteText' in file ? (file as NoteFile).noteText : null;
}

/** @param maxBytes longer notes are attached whole; their pictures are in the file's neighbours */
export function fitted(command: Command, maxBytes: number): Command {
  const { note } = command;
  const bytes = note === null ? 0 : Buffer.byteLength(note);
  if (note === null || bytes <= maxBytes) return command;
  const file: NoteFile = {
    id: 'ferry-whole-note',
    name: 'note.html',
    type: 'text/html',
    sizeBytes: bytes,
    inline: false,
    sha256: null,
    noteText: note,
  };
  const said = `<p>This note has ${bytes} bytes, more than is shown here. It is attached whole as ${file.name}.</p>`;
  return { ...command, note: said, attachments: [file, ...command.attachments] };
}

/** Pictures of a note as `cid:<attachment id>`, whatever RT or a mail program wrote there. */
export function pointImages(
  html: string,
  byContentId: ReadonlyMap<string, string>,
  ids: ReadonlySet<string>,
): { readonly html: string; readonly used: ReadonlySet<string> } {
  const used = new Set<string>();
  const pointed = rewriteImages(html, (src) => {
    const contentId = /^cid:(.+)$/i.exec(src)?.[1];
    // Pages of RT itself show pictures under /Ticket/Attachment/<transaction>/<attachment>/…
    const path = /\/Ticket\/Attachment\/\d{1,15}\/(\d{1,15})(?:\/|$)/.exec(src)?.[1];
    const id = contentId === undefined ? path : byContentId.get(contentId.toLowerCase());
    if (id === undefined || !ids.has(id)) return null;
    used.add(id);
    return { src: `cid:${id}` };
  });
  return { html: pointed, used };
}
