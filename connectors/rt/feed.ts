/**
 * Which tickets have news: RT's transactions in order of id. Ids are given before their transactions are committed, so
 * a higher one may appear first; therefore the cursor keeps a floor below which everything is surely known (older than
 * `overlapMs` by RT's own clock) and remembers what it has seen above it, and nothing is told twice.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { FeedPage, GoLive } from '#connectors/contract/helpdesk.ts';
import { overlapStart } from '#connectors/kit/overlap.ts';
import { query, sqlQuoted } from './client.ts';
import type { RtClient } from './client.ts';
import { databaseTime, instantOf } from './time.ts';
import { feedItemSchema, pageOf } from './wire.ts';
import type { RtOptions } from './wire.ts';

type Cursor = {
  /** The newest that was seen, as it was: one that is otherwise, or is not there any more, tells that RT was restored. */
  readonly mark?: Mark;
  /** Everything up to this id is known. */
  readonly floor: number;
  /** Seen above the floor, as ranges [from, to]. */
  readonly seen: readonly (readonly [number, number])[];
  /** In the middle of a scan: the position to continue from, and the lowest floor found so far. */
  readonly scan?: { readonly from: number; readonly floor: number; readonly settled: boolean };
};

type Mark = { readonly id: number; readonly ticket: string; readonly at: string };

const purpose = { what: 'list what is new', write: false, about: 'instance' } as const;
const pageSize = 100;

export async function feedStart(client: RtClient, options: RtOptions, signal: AbortSignal): Promise<string> {
  return (await goLive(client, options, signal)).cursor;
}

/** Ids are given over all of RT, so the newest one tells what was before, whatever the clock says. */
export async function goLive(client: RtClient, options: RtOptions, signal: AbortSignal): Promise<GoLive> {
  const { items } = await list(
    client,
    { query: condition(options, 0), per_page: 1, orderby: 'id', order: 'DESC' },
    signal,
  );
  const [newest] = items;
  // Nothing of these queues so far: the newest of all of RT.
  const [any] = newest === undefined ? (await list(client, newestOfAll, signal)).items : [newest];
  const floor = Number(any?.id ?? 0);
  const cursor: Cursor = { floor, seen: [], ...(any === undefined ? {} : { mark: markOf(any) }) };
  return {
    cursor: JSON.stringify(cursor),
    newest: any === undefined ? null : (instantOf(any.Created) ?? null),
    after: String(floor),
    near: [],
  };
}

/** A feed that begins with what was recorded at the instant. */
export async function feedFrom(
  client: RtClient,
  options: RtOptions,
  instant: string,
  signal: AbortSignal,
): Promise<string> {
  const since = `${condition(options, 0)} AND Created >= ${sqlQuoted(databaseTime(instant))}`;
  const [first] = (await list(client, { query: since, per_page: 1, orderby: 'id' }, signal)).items;
  if (first === undefined) return feedStart(client, options, signal);
  return JSON.stringify({ floor: Number(first.id) - 1, seen: [] } satisfies Cursor);
}

const newestOfAll = { query: "ObjectType = 'RT::Ticket'", per_page: 1, orderby: 'id', order: 'DESC' } as const;

type Item = { readonly id: string; readonly ObjectId: string; readonly Created: string };

async function list(
  client: RtClient,
  asked: Readonly<Record<string, string | number>>,
  signal: AbortSignal,
): Promise<{ readonly items: readonly Item[]; readonly date: string }> {
  const { value, headers } = await client.get(
    `/transactions${query({ fields: 'ObjectId,Created', ...asked })}`,
    pageOf(feedItemSchema),
    purpose,
    signal,
  );
  return { items: value.items, date: headers['date'] ?? '' };
}

function markOf({ id, ObjectId, Created }: Item): Mark {
  return { id: Number(id), ticket: ObjectId, at: Created };
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
    const { mark } = cursor;
    // In the same request: is what was the newest still what it was?
    const which = mark === undefined ? condition(options, from) : `(id = ${mark.id} OR (${condition(options, from)}))`;
    const { items, date } = await list(client, { query: which, per_page: pageSize, orderby: 'id' }, signal);
    if (mark !== undefined && (await isRestored(client, mark, items, signal)))
      return { tickets: [], cursor: text, more: false, wentBack: true };
    const rows = items
      .map(({ id, ObjectId, Created }) => ({ id: Number(id), ticket: ObjectId, at: Date.parse(Created) }))
      .filter(({ id }) => id > from);
    const clock = Date.parse(date);
    // Without RT's clock, its newest time must do.
    const now = Number.isNaN(clock) ? Math.max(0, ...rows.map((row) => row.at)) : clock;
    const isFull = items.length === pageSize;
    const page = advance(cursor, rows, overlapStart(now, options.overlapMs), Math.max(1, limit), isFull);
    const newest = items.at(-1);
    const next = newest !== undefined && Number(newest.id) > (mark?.id ?? 0) ? markOf(newest) : mark;
    cursor = { ...page.cursor, ...(next === undefined ? {} : { mark: next }) };
    // A page of what was seen before is no answer.
    if (page.tickets.length > 0 || !page.more) return { ...page, cursor: JSON.stringify(cursor) };
  }
}

/** A ticket that was shredded takes its transactions along; then the newest of all is not lower than the mark. */
async function isRestored(client: RtClient, mark: Mark, items: readonly Item[], signal: AbortSignal): Promise<boolean> {
  const found = items.find(({ id }) => Number(id) === mark.id);
  // Merged tickets' transactions are shown as the survivor's.
  if (found !== undefined) return Math.abs(Date.parse(found.Created) - Date.parse(mark.at)) > 1_000;
  // A full page ends before it.
  if (items.some(({ id }) => Number(id) > mark.id) || items.length >= pageSize) return false;
  const [newest] = (await list(client, newestOfAll, signal)).items;
  return Number(newest?.id ?? 0) < mark.id;
}

type Row = { readonly id: number; readonly ticket: string; readonly at: number };
type Advanced = { readonly tickets: readonly string[]; readonly cursor: Cursor; readonly more: boolean };

/** Pure. Takes rows until `limit` tickets are named; `settledBefore`: what is older is surely followed by no lower id. */
function advance(
  cursor: Cursor,
  rows: readonly Row[],
  settledBefore: number,
  limit: number,
  isFull: boolean,
): Advanced {
  let { floor, settled } = cursor.scan ?? { floor: cursor.floor, settled: false };
  let from = cursor.scan?.from ?? cursor.floor;
  let more = isFull;
  const tickets = new Set<string>();
  const seen = new Set(cursor.seen.flatMap(([first, last]) => range(first, last)));
  for (const row of inOrderOfTime(rows)) {
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

/** Corrects times by ids, which were assigned in order: a time later than that of a higher id came from a wrong clock. */
function inOrderOfTime(rows: readonly Row[]): readonly Row[] {
  let soonest = Number.POSITIVE_INFINITY;
  return rows
    .toReversed()
    .map((row) => {
      soonest = Math.min(soonest, row.at);
      return { ...row, at: soonest };
    })
    .toReversed();
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
  throw new HelpdeskError('refused', 'bad-cursor', "The feed's cursor is not one of RT's. Start the feed again.");
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
