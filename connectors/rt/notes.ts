/** Notes on their way into RT and out of it. */
import { decodeEntities } from '#core/fingerprint.ts';
import type { Attachment, Command } from '#core/vocabulary.ts';

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Plain text as HTML: blank lines part paragraphs, line breaks stay. */
export function htmlOfText(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replace(/^\n+|\s+$/g, ''))
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => `<p>${escapeHtml(paragraph).replaceAll('\n', '<br>')}</p>`)
    .join('\n');
}

/** RT takes a mail whose subject holds `[name #12]` for one about its ticket 12; in text it stays readable without. */
export function defuseTags(text: string): string {
  return text.replace(/\[([^[\]#]{1,100}?)\s*#\s*(\d{1,12})\]/g, '($1 #$2)');
}

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
  return defuseTags(
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
