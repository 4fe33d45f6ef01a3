/** Collects what an escalation includes from its ticket besides its own note. */
import { must } from '#core/words/must.ts';
import type { ThreadEntry } from '#core/text/template.ts';
import type { Attachment } from '#core/words/vocabulary.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import type { DrivenDesk, WorkDeps } from '#activities/deps.ts';

export type ThreadDeps = Pick<WorkDeps, 'texts'> & {
  /** Throws HelpdeskError. */
  readonly desks: { of(instance: string): Promise<{ readonly helpdesk: Pick<DrivenDesk['helpdesk'], 'read'> }> };
};

/** Reads the ticket's public entries before the escalation, oldest first, with their inline images. */
export async function readThread(
  deps: ThreadDeps,
  context: DeliveryContext,
  signal: AbortSignal,
): Promise<{ readonly entries: readonly ThreadEntry[]; readonly attachments: readonly Attachment[] }> {
  const { action } = context;
  const desk = await deps.desks.of(action.instance);
  const reading = await desk.helpdesk.read(action.ticket, null, signal);
  if (reading.kind !== 'ticket') return { entries: [], attachments: [] };
  const entries: ThreadEntry[] = [];
  const attachments: Attachment[] = [];
  for (const one of reading.actions) {
    if (one.externalId === action.externalId) break;
    if (one.visibility !== 'visible' || one.note === null) continue;
    entries.push({ author: one.author.name, at: one.at, html: await deps.texts.html(one.note) });
    attachments.push(...one.attachments.filter((file) => file.inline));
  }
  return { entries, attachments };
}

/** Finds the images in a description; until they are staged, only the helpdesk's id of them is known. */
export function descriptionImages(description: string): Attachment[] {
  const ids = [...description.matchAll(/\bsrc="cid:([^"]+)"/g)].map((match) => must(match[1], 'id of a picture'));
  return [...new Set(ids)].map((id) => ({
    id,
    name: `image-${id}`,
    type: null,
    sizeBytes: null,
    inline: true,
    sha256: null,
  }));
}
