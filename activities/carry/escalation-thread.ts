/** What an escalation takes along from its ticket besides its own note. */
import { must } from '#core/words/must.ts';
import type { ThreadEntry } from '#core/text/template.ts';
import type { Attachment } from '#core/words/vocabulary.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import type { LeaveDeps } from './deps.ts';

/** The ticket's public entries before the escalation, oldest first, with the pictures they show. */
export async function readThread(
  deps: Pick<LeaveDeps, 'desks' | 'texts'>,
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

/** Pictures that a description shows; the helpdesk's id is all that is known of them until they are staged. */
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
