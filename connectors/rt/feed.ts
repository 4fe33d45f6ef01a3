/**
 * Which tickets have news: RT's transactions in order of id. Ids are given before their transactions are committed, so
 * a higher one may appear first; therefore the cursor keeps a floor below which everything is surely known (older than
 * `overlapMs` by RT's own clock) and remembers what it has seen above it, and nothing is told twice.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { FeedPage } from '#connectors/contract/helpdesk.ts';
import { query, sqlQuoted } from './client.ts';
import type { RtClient } from './client.ts';
import { feedItemSchema, pageOf } from './wire.ts';
import type { RtOptions } from './wire.ts';

type Cursor = {
  /** Everything up to this id is known. */
  readonly floor: number;
  /** Seen above the floor, as ranges [from, to]. */
  readonly seen: readonly (readonly [number, number])[];
  /** In the middle of a scan: where it goes on, and the floor as far as it has been found. */
  readonly scan?: { readonly from: number; readonly floor: number; readonly settled: boolean };
};

const purpose = { what: 'list what is new', write: false, about: 'instance' } as const;
const pageSize = 100;

export async function feedStart(client: RtClient, options: RtOptions, signal: AbortSignal): Promise<string> {
  const { value } = await client.get(
    `/transactions${query({ query: condition(options, 0), fields: 'ObjectId,Created', per_page: 1, orderby: 'id', order: 'DESC' })}`,
    pageOf(feedItemSchema),
    purpose,
    signal,
  );
  return JSON.stringify({ floor: Number(value.items[0]?.id ?? 0), seen: [] } satisfies Cursor);
}

export async function feed(
  client: RtClient,
  options: RtOptions,
  text: string,
  limit: number,
  signal: AbortSignal,
): Promise<FeedPage> {
  let cursor = parse(text);
  for (;;) {
    const from = cursor.scan?.from ?? cursor.floor;
    const { value, headers } = await client.get(
      `/transactions${query({ query: condition(options, from), fields: 'ObjectId,Created', per_page: pageSize, orderby: 'id' })}`,
      pageOf(feedItemSchema),
      purpose,
      signal,
    );
    const rows = value.items.map(({ id, ObjectId, Created }) => ({
      id: Number(id),
      ticket: ObjectId,
      at: Date.parse(Created),
    }));
    const clock = Date.parse(headers['date'] ?? '');
    // Without RT's clock, its newest time must do.
    const now = Number.isNaN(clock) ? Math.max(0, ...rows.map((row) => row.at)) : clock;
    const page = advance(cursor, rows, now - options.overlapMs, Math.max(1, limit));
    cursor = page.cursor;
    // A page of what was seen before is no answer.
    if (page.tickets.length > 0 || !page.more) return { ...page, cursor: JSON.stringify(cursor) };
  }
}

type Row = { readonly id: number; readonly ticket: string; readonly at: number };
type Advanced = { readonly tickets: readonly string[]; readonly cursor: Cursor; readonly more: boolean };

/** Pure. Takes rows until `limit` tickets are named; `settledBefore`: what is older is surely followed by no lower id. */
function advance(cursor: Cursor, rows: readonly Row[], settledBefore: number, limit: number): Advanced {
  let { floor, settled } = cursor.scan ?? { floor: cursor.floor, settled: false };
  let from = cursor.scan?.from ?? cursor.floor;
  let more = rows.length === pageSize;
  const tickets = new Set<string>();
  const seen = new Set(cursor.seen.flatMap(([first, last]) => range(first, last)));
  for (const row of rows) {
    if (!seen.has(row.id) && !tickets.has(row.ticket) && tickets.size === limit) {
      more = true;
      break;
    }
    if (!seen.has(row.id)) tickets.add(row.ticket);
    seen.add(row.id);
    from = row.id;
    settled ||= row.at > settledBefore;
    if (!settled) floor = row.id;
  }
  return {
    tickets: [...tickets],
    more,
    cursor: more
      ? { floor: cursor.floor, seen: ranges(seen), scan: { from, floor, settled } }
      : { floor, seen: ranges(new Set([...seen].filter((id) => id > floor))) },
  };
}

/** Mails that RT sent are no news. */
function condition(options: RtOptions, above: number): string {
  const queues = options.queues?.map((queue) => `TicketQueue = ${sqlQuoted(queue)}`).join(' OR ');
  return [
    "ObjectType = 'RT::Ticket'",
    `id > ${above}`,
    "Type != 'EmailRecord'",
    "Type != 'CommentEmailRecord'",
    ...(queues === undefined ? [] : [`(${queues})`]),
  ].join(' AND ');
}

function parse(text: string): Cursor {
  try {
    const cursor = JSON.parse(text) as Cursor;
    if (Number.isSafeInteger(cursor.floor) && Array.isArray(cursor.seen)) return cursor;
  } catch {
    // Said below.
  }
  throw new HelpdeskError('refused', 'bad-cursor', "The feed's cursor is not one of RT's. Begin the feed anew.");
}

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function ranges(ids: ReadonlySet<number>): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const id of [...ids].toSorted((a, b) => a - b)) {
    const last = found.at(-1);
    if (last !== undefined && id === last[1] + 1) last[1] = id;
    else found.push([id, id]);
  }
  return found;
}
