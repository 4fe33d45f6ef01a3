/** Notes on their way into RT and out of it. */
import { defuseTagsInHtml } from '#core/defuse.ts';
import { decodeEntities } from '#core/fingerprint.ts';
import { escapeHtml } from '#core/text.ts';
import type { Attachment, Command } from '#core/vocabulary.ts';

/**
 * The note as RT gets it: who wrote it on the first line, since RT shows our own account as the author; pictures as
 * words, since REST2 can attach files but not place them within a text; files that RT does not take named.
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
    [lead, ...(command.note === null ? [] : [placeImages(command.note, command.attachments)]), ...empty].join('\n'),
  );
}

/** Files that go along; RT refuses empty ones. */
export function uploads(command: Command): readonly Attachment[] {
  return command.attachments.filter((file) => file.sizeBytes !== 0);
}

function placeImages(html: string, attachments: readonly Attachment[]): string {
  return html.replace(/<img\b[^>]*>/gi, (tag) => {
    const id = /\bsrc\s*=\s*["']?cid:([^"'\s>]+)/i.exec(tag)?.[1];
    if (id === undefined) return tag;
    const file = attachments.find((one) => one.id === decodeEntities(id));
    return `<em>[picture: ${escapeHtml(file?.name ?? 'not attached')}]</em>`;
  });
}

/** Pictures of a note as `cid:<attachment id>`, whatever RT or a mail program wrote there. */
export function pointImages(
  html: string,
  byContentId: ReadonlyMap<string, string>,
  ids: ReadonlySet<string>,
): { readonly html: string; readonly used: ReadonlySet<string> } {
  const used = new Set<string>();
  const pointed = html.replace(
    /(<img\b[^>]*?\bsrc\s*=\s*)("([^"]*)"|'([^']*)'|([^\s>"']+))/gi,
    (whole, before: string, _quoted, double?: string, single?: string, bare?: string) => {
      const src = decodeEntities(double ?? single ?? bare ?? '');
      const contentId = /^cid:(.+)$/i.exec(src)?.[1];
      // Pages of RT itself show pictures under /Ticket/Attachment/<transaction>/<attachment>/…
      const path = /\/Ticket\/Attachment\/\d+\/(\d+)(?:\/|$)/.exec(src)?.[1];
      const id = contentId === undefined ? path : byContentId.get(contentId.toLowerCase());
      if (id === undefined || !ids.has(id)) return whole;
      used.add(id);
      return `${before}"cid:${id}"`;
    },
  );
  return { html: pointed, used };
}
