/**
 * Which tickets have news. Halo sorts by time of change, not by an id that only grows, and a slow write may commit after
 * a later one was read: so each look begins `overlapMs` before the newest time seen, and the cursor remembers what was
 * already given of that stretch.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { FeedPage } from '#connectors/contract/helpdesk.ts';
import type { Call, HaloClient } from './client.ts';
import { haloInstant, instantOf, shifted } from './time.ts';
import { ticketList } from './wire.ts';
import type { Ticket } from './wire.ts';

/** `newest`: time of the newest change given, by Halo's clock. `given`: id and time of change of those near it. */
type Cursor = { readonly newest: string; readonly given: readonly (readonly [id: number, at: string])[] };

const largestPage = 1000;

export async function feedStart(client: HaloClient, overlapMs: number, call: Call): Promise<string> {
  const [latest] = await changed(client, { order: 'last_update', orderdesc: true }, 1, 1, call);
  const newest = timeOf(latest);
  if (newest === null) return write({ newest: new Date(0).toISOString(), given: [] });
  const near = await since(client, { newest, given: [] }, overlapMs, largestPage, 1, call);
  return write({ newest, given: near.flatMap(idAndTime).filter(([, at]) => at <= newest) });
}

export async function feed(
  client: HaloClient,
  cursorText: string,
  limit: number,
  overlapMs: number,
  call: Call,
): Promise<FeedPage> {
  const cursor = read(cursorText);
  const given = new Set(cursor.given.map(([id, at]) => `${id} ${at}`));
  const size = Math.min(largestPage, given.size + limit);
  const fresh: (readonly [id: number, at: string])[] = [];
  let more = false;
  for (let page = 1; ; page++) {
    const tickets = await since(client, cursor, overlapMs, size, page, call);
    fresh.push(...tickets.flatMap(idAndTime).filter(([id, at]) => !given.has(`${id} ${at}`)));
    more = tickets.length === size;
    // A page of nothing but known ones is no reason to stop; a later page is safe then, for nothing is skipped by it.
    if (!more || fresh.length > 0) break;
  }
  fresh.sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0));
  const taken = fresh.slice(0, limit);
  const newest = taken.reduce((latest, [, at]) => (at > latest ? at : latest), cursor.newest);
  const near = shifted(newest, -overlapMs);
  return {
    tickets: [...new Set(taken.map(([id]) => String(id)))],
    cursor: write({ newest, given: [...cursor.given, ...taken].filter(([, at]) => at >= near) }),
    more: more || fresh.length > taken.length,
  };
}

function since(
  client: HaloClient,
  cursor: Cursor,
  overlapMs: number,
  size: number,
  page: number,
  call: Call,
): Promise<Ticket[]> {
  const from = haloInstant(Math.max(0, Date.parse(cursor.newest) - overlapMs));
  return changed(client, { order: 'last_update', orderdesc: false, lastupdatefromdate: from }, size, page, call);
}

async function changed(
  client: HaloClient,
  query: Readonly<Record<string, string | boolean>>,
  size: number,
  page: number,
  call: Call,
): Promise<Ticket[]> {
  const paged = { ...query, pageinate: true, page_size: size, page_no: page, nocache: true };
  const { tickets } = await client.get('Tickets', paged, ticketList, {
    ...call,
    what: 'Reading which tickets changed',
  });
  return tickets;
}

function idAndTime(ticket: Ticket): (readonly [number, string])[] {
  const at = timeOf(ticket);
  return at === null ? [] : [[ticket.id, at]];
}

function timeOf(ticket: Ticket | undefined): string | null {
  return instantOf(ticket?.last_update) ?? instantOf(ticket?.lastactiondate);
}

function write(cursor: Cursor): string {
  return JSON.stringify(cursor);
}

function read(text: string): Cursor {
  try {
    const { newest, given } = JSON.parse(text) as Cursor;
    if (typeof newest === 'string' && !Number.isNaN(Date.parse(newest)) && Array.isArray(given))
      return { newest, given };
  } catch {
    // Reported below.
  }
  throw new HelpdeskError(
    'refused',
    'bad-cursor',
    'The feed position is not one of this connector. Start the feed anew.',
  );
}
