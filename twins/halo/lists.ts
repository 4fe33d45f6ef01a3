/** Listing tickets and actions: filters, delta, order and pages. */
import type { SQLInputValue } from 'node:sqlite';
import { maySee } from './auth.ts';
import type { Desk } from './desk.ts';
import { errorTexts, HaloError, refused } from './errors.ts';
import type { Input } from './input.ts';
import type { Action, Agent, Ticket } from './model.ts';
import { shownAction, ticketRow } from './shown.ts';
import { needTicket } from './tickets.ts';
import { parseInstant, zoneless } from './time.ts';

/** A query string, whose names ignore case. */
export type Query = ReadonlyMap<string, string>;

/** The length of a list if the caller asks for none. */
export const defaultPageSize = 50;

/** Reads the query of a URL, with its names in lower case. */
export function queryOf(url: string): Query {
  const params = new URL(url).searchParams;
  return new Map([...params].map(([name, value]) => [name.toLowerCase(), value]));
}

/** Columns to order by or to search dates in, by Halo's names for them. Others are ignored, like unknown parameters. */
const columns: Readonly<Record<string, string>> = {
  id: 'id',
  last_update: 'last_update',
  lastactiondate: 'lastactiondate',
  dateoccured: 'dateoccurred',
  dateoccurred: 'dateoccurred',
  datecleared: 'dateclosed',
  summary: 'summary',
  status_id: 'status_id',
};

/** Answers `GET /Tickets` with what this agent may see. */
export function listTickets(desk: Desk, query: Query, agent: Agent | null): Input {
  const { tickets, total, page } = findTickets(desk, query, desk.profile.pageCap, agent);
  const rows = tickets.flatMap((ticket) => desk.unseen.ticket(ticket) ?? []).map((ticket) => ticketRow(desk, ticket));
  return { ...page, record_count: desk.profile.countsAll ? total : rows.length, tickets: rows };
}

export interface FoundTickets {
  readonly tickets: readonly Ticket[];
  readonly total: number;
  readonly page: Input;
}

/** Finds the tickets that the query asks for, at most `most` of them. */
export function findTickets(desk: Desk, query: Query, most: number, agent: Agent | null = null): FoundTickets {
  const { where, values } = ticketFilter(desk, query, agent);
  const order = (query.get('order') ?? 'id').toLowerCase();
  const isKnown = order in columns && (order !== 'last_update' || desk.profile.ordersByChange);
  const column = (isKnown ? columns[order] : undefined) ?? 'id';
  const ascending = isKnown && (query.has('orderdesc') ? query.get('orderdesc') !== 'true' : query.has('order'));
  const way = ascending ? 'asc' : 'desc';
  const { limit, offset, page } = pageOf(desk, query, most);
  const total = Number(desk.store.all(`select count(*) n from tickets where ${where}`, ...values)[0]?.n ?? 0);
  const rows = desk.store.all(
    `select body from tickets where ${where} order by ${column} ${way}, id ${way} limit ? offset ?`,
    ...values,
    limit,
    offset,
  );
  return { tickets: rows.map((row) => JSON.parse(String(row.body)) as Ticket), total, page };
}

function ticketFilter(desk: Desk, query: Query, agent: Agent | null): { where: string; values: SQLInputValue[] } {
  const clauses = [query.get('deleted') === 'true' ? 'deleted = 1' : 'deleted = 0'];
  const values: SQLInputValue[] = [];
  const add = (clause: string, ...more: SQLInputValue[]): void => {
    clauses.push(clause);
    values.push(...more);
  };
  for (const key of ['client_id', 'user_id', 'supplier_id', 'status_id', 'tickettype_id'] as const) {
    const asked = key === 'tickettype_id' ? (query.get('requesttype_id') ?? query.get('requesttype')) : query.get(key);
    const id = Number(asked ?? Number.NaN);
    if (Number.isInteger(id) && id > 0) add(`${key} = ?`, id);
  }
  if (agent?.clients !== undefined) add(`client_id in (${agent.clients.join(', ') || '-1'})`);
  const { changedBy, loggedBy } = desk.profile;
  const from = changedBy === 'lastupdatefromdate' ? timeOf(query, 'lastupdatefromdate') : null;
  if (from !== null) add('last_update >= ?', from);
  const to = timeOf(query, 'lastupdatetodate');
  if (to !== null) add('last_update <= ?', to);
  const column = (query.get('datesearch') ?? '').toLowerCase();
  const isKnown = column === 'datecleared' || column === loggedBy || (column === 'last_update' && column === changedBy);
  const search = isKnown ? columns[column] : undefined;
  if (search !== undefined) {
    const start = timeOf(query, 'startdate');
    if (start !== null) add(`${search} >= ?`, start);
    const end = timeOf(query, 'enddate');
    if (end !== null) add(`${search} <= ?`, end);
  }
  const ids = (query.get('ticketids') ?? '')
    .split(',')
    .map(Number)
    .filter((id) => Number.isInteger(id) && id > 0);
  if (ids.length > 0) add(`id in (${ids.map(() => '?').join(', ')})`, ...ids);
  const reference = query.get('search_supplier_reference');
  if (reference !== undefined) add('supplier_reference = ?', reference);
  const words = query.get('search') ?? query.get('search_summary');
  if (words !== undefined) add('instr(lower(summary), lower(?)) > 0', words);
  const closed = desk.store.list('status').filter((status) => status.closed);
  const list = closed.map((status) => status.id).join(', ');
  if (query.get('open_only') === 'true') add(`status_id not in (${list})`);
  if (query.get('closed_only') === 'true') add(`status_id in (${list})`);
  return { where: clauses.join(' and '), values };
}

function timeOf(query: Query, name: string): string | null {
  const text = query.get(name);
  if (text === undefined || text === '') return null;
  const ms = parseInstant(text);
  if (ms === null) throw refused(`The value '${text}' is not valid for ${name}`);
  return zoneless(ms);
}

function pageOf(desk: Desk, query: Query, most: number): { limit: number; offset: number; page: Input } {
  const paged = query.get('pageinate') === 'true';
  const wanted = Number(query.get(paged ? 'page_size' : 'count') ?? defaultPageSize);
  const asked = Number.isInteger(wanted) && wanted > 0 ? Math.min(wanted, most) : Math.min(defaultPageSize, most);
  const limit = paged && desk.profile.fixedPage ? most : asked;
  if (!paged) return { limit, offset: 0, page: {} };
  const number = Math.max(1, Math.trunc(Number(query.get('page_no') ?? 1)) || 1);
  return { limit, offset: (number - 1) * limit, page: { page_no: number, page_size: limit } };
}

/** Lists actions newest first. Pages and another order are not available. */
export function listActions(desk: Desk, query: Query, agent: Agent | null): Input {
  const ticketId = Number(query.get('ticket_id') ?? 0);
  if (!Number.isInteger(ticketId) || ticketId <= 0)
    throw new HaloError(desk.profile.withoutTicket, errorTexts.noTicket);
  const ticket = needTicket(desk, ticketId);
  const clauses = ['ticket_id = ?'];
  const values: SQLInputValue[] = [ticketId];
  if (!maySee(agent, ticket)) throw new HaloError(403, 'forbidden', '');
  if (query.get('excludesys') === 'true') clauses.push('issystem = 0');
  if (query.get('excludeprivate') === 'true') clauses.push('hidden = 0');
  for (const [name, sign] of [
    ['startdate', '>='],
    ['enddate', '<='],
  ] as const) {
    const at = timeOf(query, name);
    if (at === null) continue;
    clauses.push(`datetime ${sign} ?`);
    values.push(at);
  }
  const where = clauses.join(' and ');
  const wanted = Number(query.get('count') ?? 0);
  const most = desk.profile.fixedPage ? desk.profile.pageCap : Number.MAX_SAFE_INTEGER;
  const limit = Number.isInteger(wanted) && wanted > 0 ? Math.min(wanted, most) : most;
  const total = Number(desk.store.all(`select count(*) n from actions where ${where}`, ...values)[0]?.n ?? 0);
  const rows = desk.store.all(`select body from actions where ${where} order by id desc limit ?`, ...values, limit);
  const parts = {
    html: query.get('includehtmlnote') === 'true',
    email: query.get('includehtmlemail') === 'true',
    attachments: query.get('includeattachments') === 'true',
  };
  const actions = rows
    .map((row) => JSON.parse(String(row.body)) as Action)
    .filter(({ id }) => desk.unseen.shows(ticketId, id))
    .map((action) => shownAction(desk, action, parts));
  return { ticket_id: ticketId, record_count: desk.profile.countsAll ? total : actions.length, actions };
}
