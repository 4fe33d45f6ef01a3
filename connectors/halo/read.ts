/** A ticket and its actions, in Ferry's words. */
import { fingerprintBefore, fingerprintOf } from '#core/text/fingerprint.ts';
import type { ObservedAction, Reading } from '#core/words/desk.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type {
  Attachment,
  FieldValue,
  TicketSnapshot,
  Visibility,
  Words as ActionWords,
} from '#core/words/vocabulary.ts';
import { byId, sendToOf, ticketFields } from './catalogue.ts';
import type { Glossary, Words } from './catalogue.ts';
import type { Call, HaloClient } from './client.ts';
import { valueFrom } from './fields.ts';
import { htmlOf, withCids } from './html.ts';
import type { Identity } from './identity.ts';
import { markerOf } from './marker.ts';
import { haloInstant, instantOf } from './time.ts';
import { actionList, ticket as ticketSchema } from './wire.ts';
import type { HaloAction, HaloAttachment, Ticket } from './wire.ts';

export type Desk = { readonly client: HaloClient; readonly glossary: Glossary; readonly identity: Identity };

const pageSize = 500;
const mostPages = 200;

/** Throws HelpdeskError; a ticket that is deleted, forbidden or merged is an answer, not an error. */
export async function readTicket(desk: Desk, ticketId: string, since: string | null, call: Call): Promise<Reading> {
  const found = /^[1-9]\d{0,14}$/.test(ticketId) ? await readParts(desk.client, ticketId, since, call) : null;
  if (found === null) return { kind: 'gone' };
  const { ticket, actions } = found;
  const into = ticket.merged_into_id ?? 0;
  if (into > 0) return { kind: 'merged', into: String(into) };
  const words = await wordsFor(desk.glossary, ticket, call);
  const ownAgent = await desk.identity.agentId(actions, call);
  return {
    kind: 'ticket',
    snapshot: snapshotOf(ticket, words, desk.client.baseUrl),
    actions: actions.map((action) => observed(action, ticket, words, desk, ownAgent)),
  };
}

type Parts = { readonly ticket: Ticket; readonly actions: readonly HaloAction[] };

async function readParts(
  client: HaloClient,
  ticketId: string,
  since: string | null,
  call: Call,
): Promise<Parts | null> {
  try {
    const ticket = await getTicket(client, ticketId, call);
    if ((ticket.merged_into_id ?? 0) > 0) return { ticket, actions: [] };
    const actions = await listActions(client, ticketId, since, call);
    // Somebody may have acted between the two requests: the snapshot must not be older than the actions.
    const newest = instantOf(actions.at(-1)?.datetime);
    const seen = instantOf(ticket.lastactiondate);
    const isOlder = newest !== null && seen !== null && newest > seen;
    return { ticket: isOlder ? await getTicket(client, ticketId, call) : ticket, actions };
  } catch (error) {
    if (error instanceof HelpdeskError && error.class === 'gone') return null;
    throw error;
  }
}

export function getTicket(client: HaloClient, ticketId: string, call: Call): Promise<Ticket> {
  return client.get(`Tickets/${ticketId}`, { includedetails: true, nocache: true }, ticketSchema, {
    ...call,
    what: `Reading ticket ${ticketId}`,
  });
}

/** Actions at or after `since`, oldest first. Their ids count within the ticket, in the order they were made. */
export async function listActions(
  client: HaloClient,
  ticketId: string,
  since: string | null,
  call: Call,
): Promise<HaloAction[]> {
  const found = new Map<number, HaloAction>();
  for (let page = 1; page <= mostPages; page++) {
    const query = {
      ticket_id: ticketId,
      excludesys: false,
      includehtmlnote: true,
      includehtmlemail: true,
      includeattachments: true,
      orderdesc: false,
      pageinate: true,
      page_size: pageSize,
      page_no: page,
      startdate: since === null ? undefined : haloInstant(since),
      nocache: true,
    };
    const what = `Reading the actions of ticket ${ticketId}`;
    const { actions, record_count: total } = await client.get('Actions', query, actionList, { ...call, what });
    const before = found.size;
    for (const action of actions) found.set(action.id, action);
    if (found.size === before || actions.length === 0 || (total !== undefined && found.size >= total)) break;
    if (total === undefined && actions.length < pageSize) break;
  }
  return [...found.values()]
    .filter((action) => since === null || (instantOf(action.datetime) ?? since) >= since)
    .sort((a, b) => a.id - b.id);
}

/** The words, read anew when they lack the ticket's status; one that nobody knows does not stop the reading. */
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

function snapshotOf(ticket: Ticket, words: Words, baseUrl: string): TicketSnapshot {
  const fields: Record<string, FieldValue> = {
    [ticketFields.supplier]: orNull(ticket.supplier_name),
    [ticketFields.start]: instantOf(ticket.startdate),
    [ticketFields.target]: instantOf(ticket.targetdate),
    ...customFields(ticket.customfields, words),
  };
  const description = withCids(orNull(ticket.details_html) ?? htmlOf(ticket.details ?? ''), baseUrl).html;
  const userName = ticket.user_name ?? '';
  const userEmail = ticket.user_email ?? '';
  const hasUser = (ticket.user_id ?? 0) > 0 && userName !== '';
  return {
    ticketId: String(ticket.id),
    number: String(ticket.id),
    url: ticketUrl(baseUrl, ticket.id),
    summary: ticket.summary ?? '',
    description,
    status: byId(words.statuses, ticket.status_id)?.name ?? String(ticket.status_id),
    closed: words.closed.has(ticket.status_id),
    category: orNull(ticket.category_1),
    type: byId(words.types, ticket.tickettype_id)?.name ?? null,
    priority: byId(words.priorities, ticket.priority_id)?.name ?? null,
    fields,
    account: orNull(ticket.client_name),
    requester: hasUser ? { name: userName, role: 'user', ...(userEmail === '' ? {} : { email: userEmail }) } : null,
  };
}

function observed(
  action: HaloAction,
  ticket: Ticket,
  words: Words,
  desk: Desk,
  ownAgent: number | null,
): ObservedAction {
  const html = orNull(action.note_html) ?? orNull(htmlOf(action.note ?? '')) ?? orNull(action.emailbody_html);
  const note = html === null ? null : withCids(html, desk.client.baseUrl);
  const attachments = (action.attachments ?? []).map((one) => attachmentOf(one, note?.ids ?? new Set()));
  const visibility: Visibility =
    action.hiddenfromuser === true ? 'hidden' : action.hiddenfromuser === false ? 'visible' : 'unknown';
  const changed = wordsOf(action, words);
  const sendTo = sendToOf(action.sync_to_halo_api);
  const { status, fields } = changed;
  const recorded = { note: note?.html ?? null, visibility, status, fields, files: attachments };
  const author = desk.identity.author(action, ownAgent, ticket, words);
  const guid = orNull(action.guid);
  const marker = guid === null ? null : markerOf(guid);
  return {
    externalId: String(action.id),
    at: instantOf(action.datetime) ?? instantOf(action.actiondatecreated) ?? new Date(0).toISOString(),
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
    const field = byId(words.fields, one.id);
    if (field !== undefined) fields[field.name] = valueFrom(field, one.value);
  }
  return fields;
}

function attachmentOf(one: HaloAttachment, shown: ReadonlySet<string>): Attachment {
  return {
    id: String(one.id),
    name: one.filename,
    type: orNull(one.content_type),
    sizeBytes: one.filesize ?? null,
    inline: shown.has(String(one.id)),
    sha256: null,
  };
}

function orNull(text: string | null | undefined): string | null {
  return text === null || text === undefined || text.trim() === '' ? null : text;
}
