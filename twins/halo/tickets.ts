/** Tickets: logging, changing, showing, merging and deleting them. */
import { attachAll, withPictures } from './attachments.ts';
import { fieldViews, readFields } from './customfields.ts';
import type { Desk, Switches } from './desk.ts';
import { errorTexts, notFound, refused } from './errors.ts';
import type { Input } from './input.ts';
import { flagOf, listOf, textOf, wholeOf } from './input.ts';
import { acknowledge } from './mail.ts';
import type { Actor, Status, Ticket, TicketType } from './model.ts';
import { htmlOf, plainText } from './text.ts';
import { parseInstant, stampAfter, zoneless } from './time.ts';
import { firstStep, stepOf } from './workflow.ts';

const texts = [
  ...(['summary', 'team', 'supplier_reference', 'client_reference'] as const),
  ...(['third_party_id_string', 'thirdparty_url', 'reportedby', 'source'] as const),
] as const;
const categories = ['category_1', 'category_2', 'category_3', 'category_4'] as const;

/** Returns the ticket, which must exist and not be deleted. */
export function needTicket(desk: Desk, id: number): Ticket {
  const ticket = desk.store.ticket(id);
  if (ticket === null || ticket.deleted) throw notFound(`Ticket ${id}`);
  return ticket;
}

/** Logs a ticket. Throws a 400 for values that the desk does not know. */
export function createTicket(desk: Desk, input: Input, actor: Actor, switches: Switches, id?: number): Ticket {
  const { store } = desk;
  if ((textOf(input, 'summary') ?? '') === '') throw refused('A summary is required');
  const type = typeOf(desk, wholeOf(input, 'tickettype_id'));
  const now = stampAfter(desk.now(), null);
  const ticket: Ticket = {
    id: id ?? store.nextNumber('ticket', desk.firstTicketId),
    summary: '',
    details: '',
    details_html: '',
    status_id: type.initial_status,
    tickettype_id: type.id,
    priority_id: type.default_priority,
    workflow_step: firstStep(type),
    approval_status: 0,
    client_id: 0,
    site_id: 0,
    user_id: 0,
    agent_id: 0,
    team: '',
    category_1: '',
    category_2: '',
    category_3: '',
    category_4: '',
    supplier_id: 0,
    supplier_reference: '',
    client_reference: '',
    third_party_id_string: '',
    thirdparty_url: '',
    reportedby: '',
    source: actor.by === 'application' ? 'API' : actor.by === 'user' ? 'Portal' : 'Manual',
    created_by: actor.by === 'system' ? 'System' : actor.name,
    startdate: null,
    targetdate: null,
    customfields: {},
    dateoccurred: now,
    dateclosed: null,
    hasbeenclosed: false,
    last_update: now,
    lastactiondate: now,
    deleted: false,
    merged_into_id: null,
    next_action: 1,
  };
  writeFields(desk, ticket, input, now, actor.by !== 'application');
  if (actor.by !== 'system' && !switches.noValidate) needMandatory(desk, ticket, type);
  store.saveTicket(ticket);
  const pictures = attachAll(desk, ticket.id, 0, listOf(input, 'attachments'));
  if (actor.by !== 'application') ticket.details_html = withPictures(ticket.details_html, pictures);
  store.saveTicket(ticket);
  const acknowledged = type.default_sendack === 1 && flagOf(input, 'sendack') !== false;
  if (acknowledged && !switches.preventOutgoing && actor.by !== 'system') {
    acknowledge(desk, ticket, store.find('agent', ticket.agent_id));
  }
  return ticket;
}

/** Throws Halo's refusal if a field that the type requires has no value. */
function needMandatory(desk: Desk, ticket: Ticket, type: TicketType): void {
  for (const name of type.mandatory ?? []) {
    const field = desk.store.named('fieldinfo', name);
    const own = (ticket as unknown as Readonly<Record<string, unknown>>)[name];
    const value = field === null ? own : ticket.customfields[field.id];
    const isEmpty = value === undefined || value === null || value === '' || value === 0;
    if (isEmpty) throw refused(`Please complete all required fields: ${field?.label ?? name}`);
  }
}

function typeOf(desk: Desk, id: number | undefined): TicketType {
  const type = id === undefined ? desk.store.list('tickettype')[0] : desk.store.find('tickettype', id);
  if (type === undefined || type === null) throw refused(`Ticket type ${id} does not exist`);
  return type;
}

/** Changes a ticket's fields. Returns whether its status changed. */
export function changeTicket(desk: Desk, ticket: Ticket, input: Input, labels: boolean): boolean {
  const now = stampAfter(desk.now(), ticket.last_update);
  const before = ticket.status_id;
  writeFields(desk, ticket, input, now, labels);
  ticket.last_update = now;
  desk.store.saveTicket(ticket);
  return ticket.status_id !== before;
}

/** Writes the fields that the body names; the others stay. `labels`: a person's form, in which labels name fields. */
export function writeFields(desk: Desk, ticket: Ticket, input: Input, now: string, labels: boolean): void {
  const { store } = desk;
  for (const key of texts) ticket[key] = textOf(input, key) ?? ticket[key];
  const most = desk.profile.subjectMaxLength;
  if (most > 0) ticket.summary = ticket.summary.slice(0, most);
  const html = textOf(input, 'details_html');
  const text = textOf(input, 'details');
  if (html !== undefined) ticket.details_html = html;
  else if (text !== undefined) ticket.details_html = htmlOf(text);
  if (html !== undefined || text !== undefined) ticket.details = text ?? plainText(ticket.details_html);
  for (const key of ['startdate', 'targetdate'] as const) {
    if (input[key] === undefined) continue;
    const ms = input[key] === null ? null : parseInstant(textOf(input, key) ?? '');
    if (ms === null && input[key] !== null) throw refused(`Invalid value for field ${key}`);
    ticket[key] = ms === null ? null : zoneless(ms);
  }
  ticket.tickettype_id = typeOf(desk, wholeOf(input, 'tickettype_id') ?? ticket.tickettype_id).id;
  const priority = wholeOf(input, 'priority_id');
  if (priority !== undefined) ticket.priority_id = known(store.find('priority', priority), 'Priority', priority).id;
  const agent = wholeOf(input, 'agent_id');
  if (agent !== undefined) ticket.agent_id = agent === 0 ? 0 : known(store.find('agent', agent), 'Agent', agent).id;
  const supplier = wholeOf(input, 'supplier_id');
  if (supplier !== undefined) {
    ticket.supplier_id = supplier <= 0 ? 0 : known(store.find('supplier', supplier), 'Supplier', supplier).id;
  }
  writeCategories(desk, ticket, input);
  writeRequester(desk, ticket, input, !labels);
  Object.assign(ticket.customfields, readFields(store, listOf(input, 'customfields'), labels));
  const status = wholeOf(input, 'status_id');
  if (status !== undefined) setStatus(desk, ticket, needStatus(desk, ticket, status), now);
}

function known<T>(record: T | null, what: string, id: number): T {
  if (record === null) throw refused(`${what} ${id} does not exist`);
  return record;
}

function writeCategories(desk: Desk, ticket: Ticket, input: Input): void {
  categories.forEach((key, index) => {
    const id = wholeOf(input, `categoryid_${index + 1}`);
    const value = textOf(input, key);
    if (value === '' || (value === undefined && id === 0)) ticket[key] = '';
    else if (value !== undefined)
      ticket[key] = known(desk.store.named('category', value), `Category ${value}`, 0).value;
    else if (id !== undefined) ticket[key] = known(desk.store.find('category', id), 'Category', id).value;
  });
}

function writeRequester(desk: Desk, ticket: Ticket, input: Input, byApi: boolean): void {
  const { store } = desk;
  const clientId = wholeOf(input, 'client_id');
  const siteId = wholeOf(input, 'site_id');
  const userId = wholeOf(input, 'user_id');
  // An API caller names both or neither; on the desk's own pages, choosing a user also sets the site.
  if (byApi && userId !== undefined && userId > 0 && (siteId === undefined || siteId <= 0)) {
    throw refused(`User ${userId} needs a site of the same client`);
  }
  if (clientId !== undefined && clientId > 0)
    ticket.client_id = known(store.find('client', clientId), 'Client', clientId).id;
  if (siteId !== undefined && siteId > 0) {
    const site = known(store.find('site', siteId), 'Site', siteId);
    if (clientId !== undefined && clientId > 0 && site.client_id !== clientId) {
      throw refused(`Site ${siteId} does not belong to client ${clientId}`);
    }
    ticket.site_id = site.id;
    ticket.client_id = site.client_id;
  }
  if (userId === undefined) return;
  if (userId <= 0) {
    ticket.user_id = 0;
    return;
  }
  const user = known(store.find('user', userId), 'User', userId);
  const site = known(store.find('site', user.site_id), 'Site', user.site_id);
  if (clientId !== undefined && clientId > 0 && site.client_id !== clientId) {
    throw refused(`User ${userId} does not belong to client ${clientId}`);
  }
  if (byApi && siteId !== user.site_id && ticket.client_id !== site.client_id) {
    throw refused(`User ${userId} does not belong to site ${siteId}`);
  }
  ticket.user_id = user.id;
  ticket.site_id = user.site_id;
  ticket.client_id = site.client_id;
}

/** Returns the status if the workflow of the ticket's type allows it. */
export function needStatus(desk: Desk, ticket: Ticket, id: number): Status {
  const status = known(desk.store.find('status', id), 'Status', id);
  const type = desk.store.find('tickettype', ticket.tickettype_id);
  if (type !== null && !type.allowall_status && !type.allowed_status.includes(id)) throw refused(errorTexts.noAccess);
  if (stepOf(type, ticket)?.statuses?.includes(id) === false) throw refused(errorTexts.noAccess);
  if (ticket.approval_status === 1 && id !== ticket.status_id) throw refused(errorTexts.noAccess);
  return status;
}

/** Sets a status and the time of closing, which depends on it. */
export function setStatus(desk: Desk, ticket: Ticket, status: Status, now: string): void {
  const wasClosed = isClosed(desk, ticket);
  ticket.status_id = status.id;
  if (status.closed) {
    ticket.hasbeenclosed = true;
    if (!wasClosed || ticket.dateclosed === null) ticket.dateclosed = now;
  } else ticket.dateclosed = null;
}

export function isClosed(desk: Desk, ticket: Ticket): boolean {
  return desk.store.find('status', ticket.status_id)?.closed ?? false;
}

/** Builds a ticket as Halo shows it. Lists leave out long fields and custom ones. */
export function ticketView(desk: Desk, ticket: Ticket, whole: boolean): Input {
  const { store } = desk;
  const { next_action: _next, approval_status, customfields, details_html, ...fields } = ticket;
  const user = store.find('user', ticket.user_id);
  const view = {
    ...fields,
    status_name: store.find('status', ticket.status_id)?.name ?? '',
    tickettype_name: store.find('tickettype', ticket.tickettype_id)?.name ?? '',
    priority_name: store.find('priority', ticket.priority_id)?.name ?? '',
    client_name: store.find('client', ticket.client_id)?.name ?? '',
    site_name: store.find('site', ticket.site_id)?.name ?? '',
    user_name: user?.name ?? '',
    user_email: user?.emailaddress ?? '',
    agent_name: store.find('agent', ticket.agent_id)?.name ?? '',
    supplier_name: store.find('supplier', ticket.supplier_id)?.name ?? '',
    ...Object.fromEntries(
      categories.map((key, index) => [
        `categoryid_${index + 1}`,
        ticket[key] === '' ? 0 : (store.named('category', ticket[key])?.id ?? 0),
      ]),
    ),
  };
  if (!whole) return view;
  return { ...view, approval_status, details_html, customfields: fieldViews(store, customfields, false) };
}
