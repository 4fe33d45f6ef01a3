/** Listing tickets and actions: filters, delta, order and pages. */
import type { SQLInputValue } from 'node:sqlite';
import { actionView } from './actions.ts';
import type { Desk } from './desk.ts';
import { errorTexts, refused } from './errors.ts';
import type { Input } from './input.ts';
import type { Action, Ticket } from './model.ts';
import { needTicket, ticketView } from './tickets.ts';
import { parseInstant, zoneless } from './time.ts';

/** A query string: its names without regard to case. */
export type Query = ReadonlyMap<string, string>;

/** What a list gives where the caller names no size. */
export const defaultPageSize = 50;
const mostPerPage = 1000;

/** The query of a URL, names lower-cased. */
export function queryOf(url: string): Query {
  const params = new URL(url).searchParams;
  return new Map([...params].map(([name, value]) => [name.toLowerCase(), value]));
}

const orders = new Set(['id', 'last_update', 'lastactiondate', 'dateoccurred', 'dateclosed', 'summary', 'status_id']);

/** `GET /Tickets`. */
export function listTickets(desk: Desk, query: Query): Input {
  const { where, values } = ticketFilter(desk, query);
  const order = (query.get('order') ?? 'id').toLowerCase();
  const column = orders.has(order) ? order : 'id';
  const ascending = query.has('orderdesc') ? query.get('orderdesc') !== 'true' : query.has('order');
  const way = ascending ? 'asc' : 'desc';
  const { limit, offset, page } = pageOf(query);
  const total = Number(desk.store.all(`select count(*) n from tickets where ${where}`, ...values)[0]?.n ?? 0);
  const rows = desk.store.all(
    `select body from tickets where ${where} order by ${column} ${way}, id ${way} limit ? offset ?`,
    ...values,
    limit,
    offset,
  );
  const tickets = rows.map((row) => ticketView(desk, JSON.parse(String(row.body)) as Ticket, false));
  return { ...page, record_count: total, tickets };
}

function ticketFilter(desk: Desk, query: Query): { where: string; values: SQLInputValue[] } {
  const clauses = ['deleted = 0'];
  const values: SQLInputValue[] = [];
  const add = (clause: string, ...more: SQLInputValue[]): void => {
    clauses.push(clause);
    values.push(...more);
  };
  for (const key of ['client_id', 'user_id', 'supplier_id', 'status_id', 'tickettype_id'] as const) {
    const id = Number(query.get(key === 'tickettype_id' ? 'requesttype_id' : key) ?? Number.NaN);
    if (Number.isInteger(id) && id > 0) add(`${key} = ?`, id);
  }
  const from = timeOf(query, 'lastupdatefromdate');
  if (from !== null) add('last_update >= ?', from);
  const to = timeOf(query, 'lastupdatetodate');
  if (to !== null) add('last_update <= ?', to);
  const search = (query.get('datesearch') ?? '').toLowerCase();
  if (orders.has(search) && search.includes('date')) {
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

function pageOf(query: Query): { limit: number; offset: number; page: Input } {
  const paged = query.get('pageinate') === 'true';
  const wanted = Number(query.get(paged ? 'page_size' : 'count') ?? defaultPageSize);
  const limit = Number.isInteger(wanted) && wanted > 0 ? Math.min(wanted, mostPerPage) : defaultPageSize;
  if (!paged) return { limit, offset: 0, page: {} };
  const number = Math.max(1, Math.trunc(Number(query.get('page_no') ?? 1)) || 1);
  return { limit, offset: (number - 1) * limit, page: { page_no: number, page_size: limit } };
}

/** `GET /Actions`: newest first unless ordered otherwise. */
export function listActions(desk: Desk, query: Query): Input {
  const ticketId = Number(query.get('ticket_id') ?? 0);
  if (!Number.isInteger(ticketId) || ticketId <= 0) throw refused(errorTexts.noTicket);
  needTicket(desk, ticketId);
  const clauses = ['ticket_id = ?'];
  const values: SQLInputValue[] = [ticketId];
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
  const way = query.get('orderdesc') === 'false' ? 'asc' : 'desc';
  const { limit, offset, page } = pageOf(query);
  const total = Number(desk.store.all(`select count(*) n from actions where ${where}`, ...values)[0]?.n ?? 0);
  const rows = desk.store.all(
    `select body from actions where ${where} order by id ${way} limit ? offset ?`,
    ...values,
    limit,
    offset,
  );
  const parts = {
    html: query.get('includehtmlnote') === 'true',
    email: query.get('includehtmlemail') === 'true',
    attachments: query.get('includeattachments') === 'true',
  };
  const actions = rows.map((row) => actionView(desk, JSON.parse(String(row.body)) as Action, parts));
  return { ...page, record_count: total, actions };
}
