/** Feed cursors: which records of an entity to read next, and when to ask. */
import { sql, type SQL } from 'drizzle-orm';
import type { Ref } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { textArray } from '#db/base/text-array.ts';

/** The feed of an instance's records of one entity. */
export type FeedKey = Pick<Ref, 'instance' | 'entity'>;

export type DueFeed = FeedKey & { readonly cursor: string | null; readonly failures: number };

/** Claims feeds by moving their next poll forward; only of the entities that the caller reads. */
export async function claimFeeds(
  db: Db,
  entities: readonly string[],
  limit: number,
  pollMs: number,
): Promise<DueFeed[]> {
  return rows<DueFeed>(
    db,
    sql`update feeds set next_poll_at = now() + make_interval(secs => ${pollMs / 1000})
      where (instance, entity) in (
        select instance, entity from feeds where next_poll_at <= now() and entity = any(${textArray(entities)})
          and instance not in (select id from instances where quarantined_at is not null)
        order by next_poll_at limit ${limit} for update skip locked)
      returning instance, entity, cursor, failures`,
  );
}

/** Moves the cursor by compare and set: a slower reader of the same page changes nothing. */
export async function moveFeed(
  db: Db,
  { instance, entity }: FeedKey,
  from: string | null,
  to: string,
  more: boolean,
): Promise<void> {
  await db.execute(
    sql`update feeds set cursor = ${to}, failures = 0, read_at = now(),
        next_poll_at = case when ${more} then now() else next_poll_at end
      where instance = ${instance} and entity = ${entity} and cursor is not distinct from ${from}`,
  );
}

export type FirstPosition = {
  /** The feed's cursor. On its own if the desk reports nothing else. */
  readonly cursor: string;
  /** Instant of the newest change by the desk's clock; null if the desk is empty; absent if unknown. */
  readonly newest?: string | null;
  readonly after?: string | null;
  readonly known?: readonly { readonly ticket: string; readonly floor: string; readonly at: string }[];
};

/**
 * Records go-live, by the desk's own clock and ids: earlier actions are not carried. One statement: a feed without the
 * floor would carry what is years old. If the desk reports no time, ours corrected by its measured offset is used.
 *
 * @param offsetMs how far this process has measured the desk's clock to run ahead of ours, milliseconds; null: the
 *   offset that is stored is used, which may not be there yet at first contact
 */
export async function startFeed(
  db: Db,
  { instance, entity }: FeedKey,
  first: FirstPosition | string,
  offsetMs: number | null = null,
): Promise<void> {
  const { cursor, newest, after = null, known = [] } = typeof first === 'string' ? { cursor: first } : first;
  const since =
    newest === undefined
      ? sql`now() + make_interval(secs => coalesce(${offsetMs}::float8, clock_offset_ms, 0) / 1000.0)`
      : sql`${newest ?? new Date(0).toISOString()}::timestamptz`;
  const column = (of: (one: NonNullable<FirstPosition['known']>[number]) => string): SQL => textArray(known.map(of));
  await db.execute(
    sql`with started as (
        update feeds set cursor = ${cursor}, read_at = now()
        where instance = ${instance} and entity = ${entity} and cursor is null returning 1
      ), near as (
        insert into tickets (instance, entity, external_id, floor, cursor)
        select ${instance}, ${entity}, k.ticket, k.floor, k.at::timestamptz
        from unnest(${column((one) => one.ticket)}, ${column((one) => one.floor)}, ${column((one) => one.at)}) as k (ticket, floor, at)
        where exists (select 1 from started)
        on conflict do nothing
      )
      update instances set live_since = ${since}, live_after = ${after} where id = ${instance} and live_since is null`,
  );
}

export async function feedFailed(db: Db, { instance, entity }: FeedKey, delayMs: number): Promise<void> {
  await db.execute(
    sql`update feeds set failures = failures + 1, next_poll_at = now() + make_interval(secs => ${delayMs / 1000})
      where instance = ${instance} and entity = ${entity}`,
  );
}

/** Makes the feed due at once. */
export async function pollNow(db: Db, { instance, entity }: FeedKey): Promise<void> {
  await db.execute(sql`update feeds set next_poll_at = now() where instance = ${instance} and entity = ${entity}`);
}
