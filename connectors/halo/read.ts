/** A ticket and its actions, in Ferry's words. */
import { comparableText, fingerprintBefore, fingerprintOf } from '#core/text/fingerprint.ts';
import { linesOf } from '#core/words/reference.ts';
import type { ObservedAction, Reading } from '#core/words/desk.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type {
  Attachment,
  FieldValue,
  TicketSnapshot,
  Visibility,
  Words as ActionWords,
} from '#core/words/vocabulary.ts';
import { listActions, timeOf } from './actions.ts';
import { byId, byName, sendToOf } from './catalogue.ts';
import type { Glossary, Words } from './catalogue.ts';
import type { Call } from './call.ts';
import type { HaloClient } from './client.ts';
import { ticketFields, valueFrom } from './fields.ts';
import { htmlOf, withCids } from './html.ts';
import type { Identity } from './identity.ts';
import { isForeign, markerOf } from './marker.ts';
import { pictureFile, isPicture } from './pictures.ts';
import type { Pictures } from './pictures.ts';
import { instantOf, shifted } from './time.ts';
import { ticket as ticketSchema } from './wire.ts';
import type { HaloAction, HaloAttachment, Ticket } from './wire.ts';

export type Desk = {
  readonly client: HaloClient;
  readonly glossary: Glossary;
  readonly identity: Identity;
  readonly pictures: Pictures;
  readonly overlapMs: number;
};

/** Actions of a ticket that are read at once each time. */
const wholeUpTo = 500;

/** Throws HelpdeskError, also for a right that is missing; a ticket that is deleted or merged is an answer, not an error. */
export async function readTicket(
  desk: Desk,
  ticketId: string,
  since: string | null,
  call: Call,
  after?: string,
): Promise<Reading> {
  // Halo finds actions by their dates alone, which people choose. A ticket of few actions is read whole.
  const isShort = after !== undefined && Number(after) <= wholeUpTo;
  const from = isShort ? null : since;
  const found = /^[1-9]\d{0,14}$/.test(ticketId) ? await readParts(desk.client, ticketId, from, call) : null;
  if (found === null) return { kind: 'gone' };
  const { ticket, actions } = found;
  const words = await wordsFor(desk.glossary, ticket, call);
  const ownAgent = await desk.identity.agentId(call);
  const marks = marksOf(ticket, actions, desk.identity, ownAgent);
  const show = (action: HaloAction): ObservedAction =>
    observed(action, ticket, words, desk, ownAgent, marks.get(action.id));
  const into = mergedInto(ticket);
  if (into > 0) {
    const notes = await movedNotes(desk, ticketId, into, since, show, call);
    return { kind: 'merged', into: String(into), ...(notes.length === 0 ? {} : { notes }) };
  }
  return {
    kind: 'ticket',
    snapshot: snapshotOf(ticket, words, desk),
    actions: actions.filter((action) => !isMoved(action)).map(show),
    ...(isShort ? { isWhole: true as const } : {}),
    others: actions.filter(isMoved).map(({ id }) => String(id)),
    mark: `${ticket.last_update ?? ''} ${ticket.lastactiondate ?? ''}`,
  };
}

type Parts = { readonly ticket: Ticket; readonly actions: readonly HaloAction[] };

async function readParts(
  client: HaloClient,
  ticketId: string,
  since: string | null,
  call: Call,
): Promise<Parts | null> {
  const ticket = await ticketIfThere(client, ticketId, call);
  if (ticket === null || mergedInto(ticket) > 0) return ticket === null ? null : { ticket, actions: [] };
  const actions = await listActions(client, ticketId, since, call).catch(async (error: unknown) => {
    if (!(error instanceof HelpdeskError) || error.class !== 'gone') throw error;
    // Deleted between the two requests, or the list says "not found" for something else: the ticket itself decides.
    if ((await ticketIfThere(client, ticketId, call)) === null) return null;
    throw new HelpdeskError('retry', error.code, error.message);
  });
  if (actions === null) return null;
  // Somebody may have acted between the two requests: the snapshot must not be older than the actions.
  const newest = instantOf(actions.at(-1)?.datetime);
  const seen = instantOf(ticket.lastactiondate);
  if (newest === null || seen === null || newest <= seen) return { ticket, actions };
  const again = await ticketIfThere(client, ticketId, call);
  return again === null ? null : { ticket: again, actions };
}

/** Null for a ticket that is deleted: Halo shows it with a mark, or says that it is not there. */
export async function ticketIfThere(client: HaloClient, ticketId: string, call: Call): Promise<Ticket | null> {
  const ticket = await lookAt(client, ticketId, call);
  return ticket?.deleted === true ? null : ticket;
}

/** Deleted ones included; null where Halo says that it is not there. */
export async function lookAt(client: HaloClient, ticketId: string, call: Call): Promise<Ticket | null> {
  try {
    return await getTicket(client, ticketId, call);
  } catch (error) {
    if (error instanceof HelpdeskError && error.class === 'gone') return null;
    throw error;
  }
}

function mergedInto(ticket: Ticket): number {
  return Math.max(0, ticket.merged_into_id ?? 0);
}

/** It came along when another ticket was merged into this one: it was read there. */
function isMoved(action: HaloAction): boolean {
  return (action.merged_from_ticketid ?? 0) > 0;
}

/** What was said on the merged ticket after it was last read, and is now on the one that stays. */
async function movedNotes(
  desk: Desk,
  ticketId: string,
  into: number,
  since: string | null,
  show: (action: HaloAction) => ObservedAction,
  call: Call,
): Promise<readonly ObservedAction[]> {
  if (since === null) return [];
  // A read looks back by the overlap; what lies in it was read under its former id.
  const from = shifted(since, desk.overlapMs);
  const actions = await listActions(desk.client, String(into), from, call);
  return actions
    .filter((one) => one.merged_from_ticketid === Number(ticketId) && (timeOf(one) ?? from) > from)
    .map((one) => ({ ...show(one), externalId: `${into}/${one.id}` }));
}

/**
 * Markers of actions whose own UUID says nothing. Halo logs each new ticket as an action with the description as its note;
 * where we opened the ticket, that is our write, which the ticket itself is marked with.
 */
function marksOf(
  ticket: Ticket,
  actions: readonly HaloAction[],
  identity: Identity,
  ownAgent: number | null,
): ReadonlyMap<number, string> {
  const marker = ticket.third_party_id_string ?? '';
  const first = actions.find(({ id }) => id === 1);
  if (marker === '' || first === undefined || !isForeign(first.guid ?? '')) return new Map();
  const description = comparableText(ticket.details_html ?? ticket.details ?? '');
  const isSame = comparableText(first.note_html ?? first.note ?? '') === description;
  if (isSame) identity.learn(first);
  else if (!identity.isOurs(first, ownAgent)) return new Map();
  return new Map([[first.id, marker]]);
}

export async function getTicket(client: HaloClient, ticketId: string, call: Call): Promise<Ticket> {
  const ticket = await client.get(`Tickets/${ticketId}`, { includedetails: true, nocache: true }, ticketSchema, {
    ...call,
    what: `Reading ticket ${ticketId}`,
  });
  if (String(ticket.id) === ticketId) return ticket;
  const message = `Reading ticket ${ticketId}: Halo answered with another one, ${ticket.id}. Is there a cache before it?`;
  throw new HelpdeskError('retry', 'other-ticket', message);
}

/** Returns the words, and reads them again if they lack the ticket's status. An unknown status does not stop the reading. */
async function wordsFor(glossary: Glossary, ticket: Ticket, call: Call): Promise<Words> {
  const words = await glossary.words(call);
  if (byId(words.statuses, ticket.status_id) !== undefined) return words;
  const knows = (some: Words): Words | undefined =>
    byId(some.statuses, ticket.status_id) === undefined ? undefined : some;
  return glossary.look('status', String(ticket.status_id), knows, call).catch(() => words);
}

export function ticketUrl(baseUrl: string, id: number): string {
  return `${baseUrl}/ticket?id=${id}`;
}

function snapshotOf(ticket: Ticket, words: Words, { client: { baseUrl }, pictures }: Desk): TicketSnapshot {
  const fields: Record<string, FieldValue> = {
    [ticketFields.supplier]: orNull(ticket.supplier_name),
    [ticketFields.start]: instantOf(ticket.startdate),
    [ticketFields.target]: instantOf(ticket.targetdate),
    ...customFields(ticket.customfields, words),
  };
  const description = withCids(orNull(ticket.details_html) ?? htmlOf(ticket.details ?? ''), baseUrl);
  pictures.remember(String(ticket.id), description.ids);
  const userName = ticket.user_name ?? '';
  const userEmail = ticket.user_email ?? '';
  const hasUser = (ticket.user_id ?? 0) > 0 && userName !== '';
  return {
    ticketId: String(ticket.id),
    number: String(ticket.id),
    url: ticketUrl(baseUrl, ticket.id),
    summary: ticket.summary ?? '',
    description: description.html,
    status: byId(words.statuses, ticket.status_id)?.name ?? String(ticket.status_id),
    closed: words.closed.has(ticket.status_id),
    category: orNull(ticket.category_1),
    type: byId(words.types, ticket.tickettype_id)?.name ?? null,
    priority: priorityOf(ticket, words)?.name ?? null,
    fields,
    account: orNull(ticket.client_name),
    references: { customers: linesOf([ticket.client_reference]), suppliers: linesOf([ticket.supplier_reference]) },
    requester: hasUser ? { name: userName, role: 'user', ...(userEmail === '' ? {} : { email: userEmail }) } : null,
  };
}

/** A level of service may name it otherwise. */
function priorityOf(ticket: Ticket, { priorities }: Words): Words['priorities'][number] | undefined {
  const all = priorities.filter(({ id }) => id === ticket.priority_id);
  return all.find(({ sla }) => sla === ticket.sla_id) ?? all[0];
}

function observed(
  action: HaloAction,
  ticket: Ticket,
  words: Words,
  desk: Desk,
  ownAgent: number | null,
  mark: string | undefined,
): ObservedAction {
  const html = orNull(action.note_html) ?? orNull(htmlOf(action.note ?? '')) ?? orNull(action.emailbody_html);
  const note = html === null ? null : withCids(html, desk.client.baseUrl);
  const shown = note?.ids ?? new Map<string, string>();
  desk.pictures.remember(String(ticket.id), shown);
  const pictures = [...shown.keys()].filter(isPicture).map(pictureFile);
  const attachments = [...(action.attachments ?? []).map((one) => attachmentOf(one, shown)), ...pictures];
  const visibility: Visibility =
    action.hiddenfromuser === true ? 'hidden' : action.hiddenfromuser === false ? 'visible' : 'unknown';
  const changed = wordsOf(action, words);
  const kind = byId(words.kinds, action.outcome_id) ?? byName(words.kinds, action.outcome ?? '');
  const sendTo = sendToOf(action.sync_to_halo_api, kind?.sends === true);
  const { status, fields } = changed;
  const recorded = { note: note?.html ?? null, visibility, status, fields, files: attachments };
  const author = desk.identity.author(action, ownAgent, ticket, words);
  const guid = desk.client.ways.keepsMarker ? orNull(action.guid) : null;
  const marker = mark ?? (guid === null ? null : markerOf(guid));
  const made = instantOf(action.actiondatecreated);
  return {
    externalId: String(action.id),
    at: timeOf(action) ?? new Date(0).toISOString(),
    // The date of an action is the agent's to choose; when it was made is Halo's.
    ...(made === null ? {} : { made }),
    author,
    ...(marker === null ? {} : { marker }),
    fingerprint: fingerprintOf(recorded),
    ...(author.role === 'service' ? { fingerprintBefore: fingerprintBefore(recorded) } : {}),
    visibility,
    ...(sendTo === undefined ? {} : { sendTo }),
    mailed: action.sendemail === true && (action.emailto ?? '') !== '',
    note: note?.html ?? null,
    words: changed,
    attachments,
  };
}

function wordsOf(action: HaloAction, words: Words): ActionWords {
  const { old_status: before, new_status: after } = action;
  const status =
    after !== null && after !== undefined && after > 0 && after !== before
      ? (byId(words.statuses, after)?.name ?? orNull(action.new_status_name))
      : null;
  const category = orNull(action.new_category1);
  const priority = byId(words.priorities, action.new_priority)?.name;
  const supplier = byId(words.suppliers, action.new_supplier_id)?.name;
  return {
    kind: orNull(action.outcome),
    ...(status === null ? {} : { status }),
    ...(category === null ? {} : { category }),
    ...(priority === undefined ? {} : { priority }),
    fields: {
      ...(supplier === undefined ? {} : { [ticketFields.supplier]: supplier }),
      ...customFields(action.customfields, words),
    },
  };
}

function customFields(list: Ticket['customfields'], words: Words): Record<string, FieldValue> {
  const fields: Record<string, FieldValue> = {};
  for (const one of list ?? []) {
    const field = byId(words.fields, one.id) ?? byName(words.fields, one.name ?? '');
    if (field !== undefined) fields[field.name] = valueFrom(field, one.value);
  }
  return fields;
}

function attachmentOf(one: HaloAttachment, shown: ReadonlyMap<string, string>): Attachment {
  return {
    id: String(one.id),
    name: orNull(one.filename) ?? `file-${one.id}`,
    type: orNull(one.content_type),
    sizeBytes: one.filesize ?? null,
    inline: shown.has(String(one.id)),
    sha256: null,
  };
}

function orNull(text: string | null | undefined): string | null {
  return text === null || text === undefined || text.trim() === '' ? null : text;
}
