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

export async function find(
  reader: Reader,
  step: Step,
  marker: string,
  after: string,
  signal: AbortSignal,
  clockOffsetMs = 0,
): Promise<Written | null> {
  // By RT's clock, as far as it is known to be behind.
  const since = new Date(Date.parse(after) + Math.min(0, clockOffsetMs)).toISOString();
  const { command } = step;
  if (command.open !== undefined) return findTicket(reader, marker, signal);
  const { ticketId } = command;
  if (ticketId === null) return null;
  const hasNote = composeNote(command) !== null;
  const changes = changesOf(command, reader.options);
  if (!hasNote) return (await areMade(reader, step, ticketId, since, signal)) ? { ticketId, actionIds: [] } : null;
  const note = await findNote(reader, ticketId, marker, signal);
  if (note === null) return null;
  if (!isEmpty(changes) && !(await areMade(reader, step, ticketId, since, signal))) {
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

/** Every change stands in the ticket now, or was made by us since. */
async function areMade(
  reader: Reader,
  step: Step,
  ticketId: string,
  after: string,
  signal: AbortSignal,
): Promise<boolean> {
  const reading = await readTicket(reader, ticketId, after, signal);
  if (reading.kind !== 'ticket') return false;
  const { snapshot, actions } = reading;
  const made = new Set(
    actions.filter((action) => action.author.role === 'service').map((action) => action.fingerprint),
  );
  const stands = fingerprintsOfState(snapshot, step, reader);
  const bare = stepsOf({ ...step.command, note: null, attachments: [] }, reader.options);
  return bare.flatMap((one) => one.fingerprints).every((wanted) => made.has(wanted) || stands.has(wanted));
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
