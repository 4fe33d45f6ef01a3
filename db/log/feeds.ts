/** Feed cursors: which records of an entity to read next, and when to ask. */
import { sql } from 'drizzle-orm';
import type { Ref } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { textArray } from '#db/base/text-array.ts';

/** What tells of an instance's records of one entity. */
export type FeedKey = Pick<Ref, 'instance' | 'entity'>;

export type DueFeed = FeedKey & { readonly cursor: string | null; readonly failures: number };

/** Claims feeds to ask by pushing their next poll on; of the entities that the caller reads. */
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
        order by next_poll_at limit ${limit} for update skip locked)
      returning instance, entity, cursor, failures`,
  );
}

/** Compare and set: a slower reader of the same page changes nothing. */
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

/** Go-live: what lies before is not carried. One statement: a feed without the floor would carry what is years old. */
export async function startFeed(db: Db, { instance, entity }: FeedKey, cursor: string): Promise<void> {
  await db.execute(
    sql`with started as (
        update feeds set cursor = ${cursor}, read_at = now()
        where instance = ${instance} and entity = ${entity} and cursor is null
      )
      update instances set live_since = now() where id = ${instance} and live_since is null`,
  );
}

export async function feedFailed(db: Db, { instance, entity }: FeedKey, delayMs: number): Promise<void> {
  await db.execute(
    sql`update feeds set failures = failures + 1, next_poll_at = now() + make_interval(secs => ${delayMs / 1000})
      where instance = ${instance} and entity = ${entity}`,
  );
}

/** Ask at once. */
export async function pollNow(db: Db, { instance, entity }: FeedKey): Promise<void> {
  await db.execute(sql`update feeds set next_poll_at = now() where instance = ${instance} and entity = ${entity}`);
}
