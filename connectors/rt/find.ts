/**
 * Looks for a write in doubt. A note is found by its marker, a new ticket by the marker in its reference field; changes
 * without a note are found when the ticket or its history since then shows them, and are harmless to make again.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Step, Written } from '#core/words/desk.ts';
import { query, sqlQuoted } from './client.ts';
import { composeNote } from './notes.ts';
import { cleanMarker, markerOf } from './parts.ts';
import { numberOf, urlOf } from './ask.ts';
import { readTicket } from './read.ts';
import type { Reader } from './ask.ts';
import { fingerprintOfAction } from './history.ts';
import { changesOf, isEmpty, stepsOf } from './steps.ts';
import { foundTicketSchema, pageOf, partSchema } from './wire.ts';

export type Sought = {
  readonly marker: string;
  /** Instant before which it can't have happened. */
  readonly after: string;
  /** Ids of transactions that are somebody else's. */
  readonly others?: ReadonlySet<string> | undefined;
};

export async function find(reader: Reader, step: Step, sought: Sought, signal: AbortSignal): Promise<Written | null> {
  const { marker } = sought;
  const { command } = step;
  if (command.open !== undefined) return findTicket(reader, marker, signal);
  const { ticketId } = command;
  if (ticketId === null) return null;
  const hasNote = composeNote(command) !== null;
  const changes = changesOf(command, reader.options);
  if (!hasNote) {
    const made = await madeOf(reader, step, ticketId, sought, signal);
    return made === null ? null : { ticketId, actionIds: made };
  }
  const note = await findNote(reader, ticketId, marker, signal);
  if (note === null) return null;
  if (!isEmpty(changes) && (await madeOf(reader, step, ticketId, sought, signal)) === null) {
    throw new HelpdeskError(
      'refused',
      'partly-made',
      `RT wrote the note to ticket #${ticketId} but broke off before the rest was changed. Change it by hand there.`,
    );
  }
  return { ticketId, actionIds: [note] };
}

async function findTicket(reader: Reader, marker: string, signal: AbortSignal): Promise<Written | null> {
  const { value } = await reader.client.get(
    `/tickets${query({
      query: `'CF.{${reader.options.remoteRefField}}' LIKE ${sqlQuoted(`ferry:${cleanMarker(marker)}`)}`,
      per_page: 1,
      orderby: 'id',
    })}`,
    pageOf(foundTicketSchema),
    { what: 'find a ticket by its reference', write: false, about: 'instance' },
    signal,
  );
  const id = value.items[0]?.id;
  return id === undefined ? null : { ticketId: id, actionIds: [], number: numberOf(id), url: urlOf(reader.client, id) };
}

async function findNote(reader: Reader, ticketId: string, marker: string, signal: AbortSignal): Promise<string | null> {
  const wanted = cleanMarker(marker);
  const parts = await reader.client.search(
    `/ticket/${encodeURIComponent(ticketId)}/attachments${query({ fields: 'TransactionId,ContentType,Headers', per_page: 10, orderby: 'id' })}`,
    [{ field: 'Headers', operator: 'LIKE', value: `%ferry-event="${wanted}"%` }],
    partSchema,
    { what: `find a note of ticket #${ticketId}`, write: false, about: 'ticket' },
    signal,
  );
  return parts.find((part) => markerOf([part]) === wanted)?.TransactionId ?? null;
}

/**
 * Ids of the transactions in which we made the changes; none for a change that is just so now, or was made by nobody
 * knows whom. Null where one of them was not made.
 */
async function madeOf(
  reader: Reader,
  step: Step,
  ticketId: string,
  { after, others }: Sought,
  signal: AbortSignal,
): Promise<string[] | null> {
  const reading = await readTicket(reader, ticketId, after, signal);
  if (reading.kind !== 'ticket') return null;
  const { snapshot, actions } = reading;
  const ours = actions.filter(
    ({ author, externalId }) => author.role === 'service' && others?.has(externalId) !== true,
  );
  const current = fingerprintsOfState(snapshot, step, reader);
  const bare = stepsOf({ ...step.command, note: null, attachments: [] }, reader.options);
  const ids: string[] = [];
  for (const wanted of bare.flatMap((one) => one.fingerprints)) {
    // The earliest: what we wrote later is looked for later.
    const made = ours.find(({ fingerprint, externalId }) => fingerprint === wanted && !ids.includes(externalId));
    if (made !== undefined) ids.push(made.externalId);
    else if (!current.has(wanted)) return null;
  }
  return ids;
}

/** Fingerprints that the changes of the step would have, taken from the ticket's present values. */
function fingerprintsOfState(
  snapshot: Extract<Awaited<ReturnType<typeof readTicket>>, { readonly kind: 'ticket' }>['snapshot'],
  step: Step,
  reader: Reader,
): ReadonlySet<string> {
  const print = (words: Parameters<typeof fingerprintOfAction>[0]['words']): string =>
    fingerprintOfAction({ note: null, visibility: 'visible', words, files: [] });
  const { fields } = changesOf(step.command, reader.options);
  const byName = new Map(Object.entries(snapshot.fields).map(([name, value]) => [name.toLowerCase(), value]));
  return new Set([
    print({ status: snapshot.status, fields: {} }),
    print({ summary: snapshot.summary, fields: {} }),
    ...(snapshot.priority === null ? [] : [print({ priority: snapshot.priority, fields: {} })]),
    print({ category: snapshot.category, fields: {} }),
    ...Object.keys(fields).map((name) => print({ fields: { [name]: byName.get(name.toLowerCase()) ?? null } })),
  ]);
}
