/** Feed cursors: which tickets to read next, and when to ask. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';

export type DueFeed = { readonly instance: string; readonly cursor: string | null; readonly failures: number };

/** Claims instances to poll by pushing their next poll on. */
export async function claimFeeds(db: Db, limit: number, pollMs: number): Promise<DueFeed[]> {
  return rows<DueFeed>(
    db,
    sql`update feeds set next_poll_at = now() + make_interval(secs => ${pollMs / 1000})
      where instance in (
        select instance from feeds where next_poll_at <= now() order by next_poll_at limit ${limit} for update skip locked)
      returning instance, cursor, failures`,
  );
}

/** Compare and set: a slower reader of the same page changes nothing. */
export async function moveFeed(
  db: Db,
  instance: string,
  from: string | null,
  to: string,
  more: boolean,
): Promise<void> {
  await db.execute(
    sql`update feeds set cursor = ${to}, failures = 0, read_at = now(),
        next_poll_at = case when ${more} then now() else next_poll_at end
      where instance = ${instance} and cursor is not distinct from ${from}`,
  );
}

/** Go-live: what lies before is not carried. One statement: a feed without the floor would carry what is years old. */
export async function startFeed(db: Db, instance: string, cursor: string): Promise<void> {
  await db.execute(
    sql`with started as (
        update feeds set cursor = ${cursor}, read_at = now() where instance = ${instance} and cursor is null
      )
      update instances set live_since = now() where id = ${instance} and live_since is null`,
  );
}

export async function feedFailed(db: Db, instance: string, delayMs: number): Promise<void> {
  await db.execute(
    sql`update feeds set failures = failures + 1, next_poll_at = now() + make_interval(secs => ${delayMs / 1000})
      where instance = ${instance}`,
  );
}

/** Ask at once. */
export async function pollNow(db: Db, instance: string): Promise<void> {
  await db.execute(sql`update feeds set next_poll_at = now() where instance = ${instance}`);
}
