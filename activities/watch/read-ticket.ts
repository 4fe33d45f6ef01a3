/** A ticket as its desk shows it now, its notes made safe as a reading's are; nothing of it is kept. */
import type { ObservedAction } from '#core/words/desk.ts';
import type { TicketSnapshot } from '#core/words/vocabulary.ts';
import type { DrivenDesk } from '#activities/deps.ts';
import type { Texts } from '#text-worker/texts.ts';

export type ReadTicket = (
  instance: string,
  ticket: string,
  signal: AbortSignal,
) => Promise<{ readonly snapshot: TicketSnapshot; readonly actions: readonly ObservedAction[] } | null>;

/** What is returned throws HelpdeskError where the desk can't be asked; null: it shows no such ticket. */
export function createReadTicket({
  texts,
  of,
}: {
  readonly texts: Pick<Texts, 'note' | 'html'>;
  of(instance: string): Promise<Pick<DrivenDesk, 'helpdesk'>>;
}): ReadTicket {
  return async (instance, ticket, signal) => {
    const { helpdesk } = await of(instance);
    const reading = await helpdesk.read(ticket, null, signal);
    if (reading.kind !== 'ticket') return null;
    const actions: ObservedAction[] = [];
    for (const action of reading.actions) actions.push(await understood(texts, action));
    const description = await texts.html(reading.snapshot.description);
    return { snapshot: { ...reading.snapshot, description }, actions };
  };
}

/** Pictures that stand in the note itself, and what was too much for a note, count as files. */
async function understood(texts: Pick<Texts, 'note'>, action: ObservedAction): Promise<ObservedAction> {
  if (action.note === null) return action;
  const { html, dataImages, whole } = await texts.note(action.note);
  const files = [
    ...dataImages.map(({ id, type, base64 }) => ({
      ...{ id, name: id, type, inline: true, sha256: null },
      sizeBytes: Buffer.byteLength(base64, 'base64'),
    })),
    ...(whole === null
      ? []
      : [
          {
            ...{ id: whole.name, name: whole.name, type: whole.type, inline: false, sha256: null },
            sizeBytes: Buffer.byteLength(whole.text),
          },
        ]),
  ];
  return { ...action, note: html, attachments: [...action.attachments, ...files] };
}
