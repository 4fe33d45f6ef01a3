/**
 * Reads a ticket and what happened on it. Three requests for an ordinary ticket: ticket and transactions side by side,
 * then the texts of its notes; one more where files are attached, and one per further hundred transactions, and one for
 * each person not met before.
 */
import type { Reading } from '#core/words/desk.ts';
import type { FieldValue, Person, TicketSnapshot } from '#core/words/vocabulary.ts';
import { askCreate, askParts, askTicket, askTransactions, numberOf, urlOf } from './ask.ts';
import type { Reader } from './ask.ts';
import { linesOf } from '#core/words/reference.ts';
import { readValues } from './fields.ts';
import type { RtField } from './fields.ts';
import { actionsOf, isCategory, noteTypes, priorityName } from './history.ts';
import type { Now } from './history.ts';
import { mayHaveFiles, messageOf } from './parts.ts';
import { isContainer } from './tree.ts';
import type { RtPart, RtTicket, RtTransaction } from './wire.ts';

const maxDescriptions = 500;
const maxTries = 3;

export async function readTicket(
  reader: Reader,
  ticketId: string,
  since: string | null,
  signal: AbortSignal,
  after?: string,
): Promise<Reading> {
  for (let tries = 1; ; tries++) {
    const [ticket, transactions] = await both(
      askTicket(reader, ticketId, signal),
      askTransactions(reader, ticketId, since, signal, after),
    );
    if (ticket.kind === 'gone') return { kind: 'gone' };
    if (ticket.kind === 'merged') {
      // Notes stay with the ticket on which they were written; whose values the changes beside them were is lost.
      const said = transactions.filter(({ Type }) => Type === 'Correspond' || Type === 'Comment');
      const left = said.length === 0 ? null : await assemble(reader, ticket, said, signal, 'as it is');
      return { kind: 'merged', into: ticket.into, ...(left === null ? {} : { notes: left.actions }) };
    }
    // Somebody wrote between the two requests: what the ticket says and what its history says must fit together.
    const latest = transactions.at(-1)?.id;
    if (latest !== undefined && latest !== ticket.latest && tries < maxTries) continue;
    const reading = await assemble(reader, ticket, transactions, signal, tries < maxTries ? 'whole' : 'as it is');
    if (reading !== null) return reading;
  }
}

/** Like Promise.all, but waits for the other promise before it fails, so that nothing keeps running in the background. */
async function both<A, B>(first: Promise<A>, second: Promise<B>): Promise<readonly [A, B]> {
  const [one, two] = await Promise.allSettled([first, second]);
  if (one.status === 'rejected') throw one.reason;
  if (two.status === 'rejected') throw two.reason;
  return [one.value, two.value];
}

/**
 * @param want `whole`: null where a note has no parts at all, as when the ticket was merged after it was asked for: RT
 * then answers with the survivor's
 */
async function assemble(
  reader: Reader,
  asked: { readonly ticket: RtTicket; readonly latest: string },
  transactions: readonly RtTransaction[],
  signal: AbortSignal,
  want: 'whole' | 'as it is',
): Promise<Extract<Reading, { readonly kind: 'ticket' }> | null> {
  const { ticket, latest } = asked;
  const notes = transactions.filter((one) => noteTypes.has(one.Type)).map((one) => one.id);
  const texts = groupByTransaction(await askParts(reader, ticket.id, notes, 'texts', signal));
  const isTorn = transactions.some(({ id, Type }) => Type !== 'Create' && noteTypes.has(Type) && !texts.has(id));
  if (isTorn && want === 'whole') return null;
  const files = await askFiles(reader, ticket.id, notes, texts, signal);
  const fieldIds = ticket.CustomFields.map((field) => field.id);
  const fields = await reader.fields.byIds(fieldIds, signal);
  const people = new Map<string, Person>();
  for (const name of new Set(transactions.map((one) => one.Creator.id))) {
    people.set(name, await reader.people.person(name, signal));
  }
  const now = nowOf(ticket, fields);
  const actions = actionsOf({ transactions, texts, files, people, fields, now }, reader.options);
  const first = transactions.find((one) => one.Type === 'Create');
  const description =
    first === undefined
      ? await firstDescription(reader, ticket.id, signal)
      : (messageOf(texts.get(first.id) ?? [], files.get(first.id) ?? []).note ?? '');
  remember(reader, ticket.id, description);
  return {
    kind: 'ticket',
    snapshot: await snapshotOf(reader, ticket, latest, fields, now, description, signal),
    actions,
  };
}

/** The parts of notes that may have others than texts: inside a container that is known, or of no container at all. */
async function askFiles(
  reader: Reader,
  ticketId: string,
  notes: readonly string[],
  texts: ReadonlyMap<string, readonly RtPart[]>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly RtPart[]>> {
  const asked = notes.filter((id) => mayHaveFiles(texts.get(id) ?? []));
  const isInside = (id: string): boolean => texts.get(id)?.some(isContainer) === true;
  const inner = await askParts(reader, ticketId, asked.filter(isInside), 'inner', signal);
  const bare = await askParts(
    reader,
    ticketId,
    asked.filter((id) => !isInside(id)),
    'all',
    signal,
  );
  return groupByTransaction([...inner, ...bare]);
}

function groupByTransaction(parts: readonly RtPart[]): ReadonlyMap<string, readonly RtPart[]> {
  return Map.groupBy(parts, (part) => part.TransactionId);
}

function nowOf(ticket: RtTicket, fields: ReadonlyMap<string, RtField>): Now {
  const values = new Map<string, FieldValue>();
  for (const { id, values: raw } of ticket.CustomFields) {
    const field = fields.get(id);
    if (field !== undefined) values.set(id, readValues(raw, field));
  }
  return { summary: ticket.Subject, status: ticket.Status, priority: ticket.Priority ?? '', fields: values };
}

async function firstDescription(reader: Reader, ticketId: string, signal: AbortSignal): Promise<string> {
  const known = reader.descriptions.get(ticketId);
  if (known !== undefined) return known;
  const create = await askCreate(reader, ticketId, signal);
  if (create === null) return '';
  const texts = await askParts(reader, ticketId, [create.id], 'texts', signal);
  const files = await askFiles(reader, ticketId, [create.id], new Map([[create.id, texts]]), signal);
  return messageOf(texts, files.get(create.id) ?? []).note ?? '';
}

function remember(reader: Reader, ticketId: string, description: string): void {
  if (reader.descriptions.size >= maxDescriptions) reader.descriptions.clear();
  reader.descriptions.set(ticketId, description);
}

async function snapshotOf(
  reader: Reader,
  ticket: RtTicket,
  latest: string,
  fields: ReadonlyMap<string, RtField>,
  now: Now,
  description: string,
  signal: AbortSignal,
): Promise<TicketSnapshot> {
  const { options } = reader;
  const values: Record<string, FieldValue> = {};
  let category: string | null = null;
  for (const [id, value] of now.fields) {
    const field = fields.get(id);
    if (field === undefined) continue;
    if (isCategory(field, options)) category = value === null ? null : String(value);
    else values[field.name] = value;
  }
  const asker = ticket.Requestor[0];
  return {
    ticketId: ticket.id,
    number: numberOf(ticket.id),
    url: urlOf(reader.client, ticket.id),
    summary: ticket.Subject,
    description,
    status: ticket.Status,
    closed: options.statuses.some((status) => status.name === ticket.Status && status.closed),
    category,
    type: null,
    priority: priorityName(now.priority, options),
    fields: values,
    account: ticket.Queue.Name ?? null,
    requester: asker === undefined ? null : await reader.people.person(asker.id, signal),
    references: {
      customers: linesOf([textOf(values[nameIn(values, options.remoteRefField)])]),
      suppliers: linesOf([textOf(values[nameIn(values, options.supplierRefField)])]),
    },
    ...(latest === '' ? {} : { version: latest }),
  };
}

/** RT does not care about case in the names of fields. */
function nameIn(values: Readonly<Record<string, FieldValue>>, name: string): string {
  return Object.keys(values).find((one) => one.toLowerCase() === name.toLowerCase()) ?? name;
}

function textOf(value: FieldValue | undefined): string {
  return Array.isArray(value) ? value.join('\n') : String(value ?? '');
}
