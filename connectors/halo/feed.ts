/**
 * Which tickets have news. Halo filters by time of change, not by an id that only grows, and a slow write may commit
 * after a later one was read: so each look begins `overlapMs` before the newest time seen, and the cursor remembers what
 * was already given of that stretch.
 *
 * A look reads the whole stretch, newest change first: a ticket that changes meanwhile moves to the front, so that what
 * shifts is read twice and never passed over, whether Halo orders by change, by number, or as it likes. Only a deletion
 * moves a later ticket to an earlier page, so a stretch of several pages is read twice. A look continues from page to page
 * across calls, so that Ferry catches up after a long absence even if each call is short.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { FeedPage, GoLive } from '#connectors/contract/helpdesk.ts';
import { lookBack, withinOverlap } from '#connectors/kit/overlap.ts';
import type { Call } from './call.ts';
import type { HaloClient, List } from './client.ts';
import { ticketIfThere } from './read.ts';
import { pagesOf } from './pages.ts';
import { instantOf, shifted } from './time.ts';
import { ticketRow } from './wire.ts';
import type { TicketRow } from './wire.ts';

/** `newest`: time of the newest change given, by Halo's clock. `given`: id and time of change of those near it. */
type Cursor = { readonly newest: string; readonly given: readonly Change[] };
type Change = readonly [id: number, at: string];

const empty: Cursor = { newest: new Date(0).toISOString(), given: [] };

export type Feed = {
  start(call: Call): Promise<string>;
  goLive(call: Call): Promise<GoLive>;
  /** A position that begins with what changed at the instant. */
  from(instant: string): string;
  next(cursor: string, limit: number, call: Call): Promise<FeedPage>;
};

export function createFeed(client: HaloClient, overlapMs: number): Feed {
  /** What a look has found so far, for the cursor it was begun with. */
  let look: { readonly cursor: string; readonly found: Map<number, string>; page: number; pass: 1 | 2 } | null = null;
  /** What a finished look found beyond what was asked for, for the cursor that was given with the first part. */
  let rest: { readonly cursor: string; readonly changes: readonly Change[] } | null = null;

  const recent = (changes: readonly Change[], newest: string): readonly Change[] =>
    withinOverlap(changes, newest, overlapMs, ([, at]) => at);

  async function changedSince(cursorText: string, newest: string, call: Call): Promise<readonly Change[]> {
    if (look?.cursor !== cursorText) look = { cursor: cursorText, found: new Map(), page: 1, pass: 1 };
    const current = look;
    const from = lookBack(newest, overlapMs);
    const list = changes(client, client.ways.changedSince(from));
    for (; ; current.pass = 2, current.page = 1) {
      // A page that was read before the last call ended may have shifted since: it is read again.
      const first = Math.max(1, current.page - 1);
      let last = '';
      for await (const { page, rows } of pagesOf(client, list, call, first)) {
        const read = rows.flatMap(changeOf);
        for (const [id, at] of read) {
          if (at >= from && at > (current.found.get(id) ?? '')) current.found.set(id, at);
        }
        current.page = page + 1;
        // A Halo that filters otherwise, but orders: what follows is older still. By number it may look so, too.
        const isOrdered =
          client.ways.keepsOrder &&
          read.every(([, at], index) => at <= (read[index - 1]?.[1] ?? (last === '' ? at : last)));
        if (isOrdered && read.every(([, at]) => at < from)) break;
        last = read.at(-1)?.[1] ?? last;
      }
      if (current.pass === 2 || current.page <= 2) break;
    }
    look = null;
    return [...current.found].sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0));
  }

  async function begin(call: Call): Promise<Cursor | null> {
    const newest = await newestChange(client, call);
    if (newest === null) return null;
    // Where Halo does not order by change, older tickets may have changed later than the newest ones.
    const near = await changedSince('', newest, call);
    const latest = near.at(-1)?.[1] ?? newest;
    return { newest: latest, given: recent(near, latest) };
  }

  /**
   * A stretch that shows nothing, where some of it was shown before: its tickets were deleted, or Halo was restored from
   * a backup. A change that was taken back tells.
   */
  async function wentBack({ given }: Cursor, call: Call): Promise<boolean> {
    for (const [id, at] of given.slice(-3)) {
      const ticket = await ticketIfThere(client, String(id), call);
      const now = ticket === null ? null : instantOf(ticket.last_update);
      if (now !== null) return now < at;
    }
    return false;
  }

  return {
    start: async (call) => write((await begin(call)) ?? empty),
    async goLive(call) {
      const cursor = await begin(call);
      return {
        cursor: write(cursor ?? empty),
        newest: cursor?.newest ?? null,
        near: (cursor?.given ?? []).map(([id]) => String(id)),
      };
    },
    from: (instant) => write({ newest: shifted(instant, 0), given: [] }),
    async next(cursorText, limit, call) {
      const cursor = read(cursorText);
      const given = new Set(cursor.given.map(([id, at]) => `${id} ${at}`));
      const all = rest?.cursor === cursorText ? rest.changes : await changedSince(cursorText, cursor.newest, call);
      if (all.length === 0 && cursor.given.length > 0 && (await wentBack(cursor, call)))
        return { tickets: [], cursor: cursorText, more: false, wentBack: true };
      const fresh = all.filter(([id, at]) => !given.has(`${id} ${at}`));
      const taken = fresh.slice(0, limit);
      const newest = taken.reduce((latest, [, at]) => (at > latest ? at : latest), cursor.newest);
      const next = write({ newest, given: recent([...cursor.given, ...taken], newest) });
      const left = fresh.slice(taken.length);
      rest = left.length === 0 ? null : { cursor: next, changes: left };
      return { tickets: taken.map(([id]) => String(id)), cursor: next, more: left.length > 0 };
    },
  };
}

/** When a ticket last changed, by Halo's clock; null on an empty desk. */
async function newestChange(client: HaloClient, call: Call): Promise<string | null> {
  // By change where Halo can; the newest ticket is among the first rows in any case, and bounds how far back is looked.
  for await (const { rows } of pagesOf(client, changes(client, {}), call)) {
    const times = rows.flatMap(changeOf).map(([, at]) => at);
    return times.reduce<string | null>((latest, at) => (latest === null || at > latest ? at : latest), null);
  }
  return null;
}

function changes({ ways }: HaloClient, query: List<TicketRow>['query']): List<TicketRow> {
  const ordered = { ...query, order: ways.changeOrder, orderdesc: true };
  return { path: 'Tickets', key: 'tickets', query: ordered, row: ticketRow };
}

/** More than clocks and zones differ by. Milliseconds. */
const dayMs = 86_400_000;

/**
 * When a ticket changed. A time that nobody can have lived yet, such as the last one that a computer can write, is none: as
 * a position it would hide all that comes after it.
 */
function changeOf({ id, last_update, lastactiondate, dateoccurred }: TicketRow): Change[] {
  const latest = new Date(Date.now() + dayMs).toISOString();
  const times = [last_update, lastactiondate, dateoccurred].flatMap((text) => instantOf(text) ?? []);
  const at = times.find((one) => one <= latest);
  return at === undefined ? [] : [[id, at]];
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
    'The feed position is not one of this connector. Start the feed again.',
  );
}
