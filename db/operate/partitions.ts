/**
 * The monthly partitions of `attempts`, created years ahead: when one is needed, nobody has to wait for the lock that
 * creating it takes.
 */
import { sql } from 'drizzle-orm';
import { rows, type Client } from '#db/base/client.ts';

/** Since they are created this far ahead, a month that can't be created today can be created another day. */
const monthsAhead = 36;
/** SQLSTATE lock_not_available. */
const locked = '55P03';

/**
 * Creates the missing months, from the next one on, and returns how many. A month is created separately and then
 * attached, so that attempts can still be written. Attaching needs a lock on the default partition, which is not waited
 * for, since others would queue up after the waiting statement. Rows that a wrong clock has put into the default
 * partition for that month move into it. A function owned by the tables' owner does the work (migration 0004), as this
 * process may use another role.
 */
export async function ensurePartitions(db: Client): Promise<number> {
  const missing = await rows<{ month: string }>(
    db,
    sql`select month::text as month
      from (select (date_trunc('month', now() at time zone 'utc') + make_interval(months => ahead))::date as month
        from generate_series(1, ${monthsAhead}::int) ahead) months
      where to_regclass('attempts_' || to_char(month, 'YYYY_MM')) is null order by month`,
  );
  let made = 0;
  for (const { month } of missing) {
    try {
      const [answer] = await rows<{ made: boolean }>(db, sql`select make_attempts_month(${month}::date) as made`);
      if (answer?.made === true) made += 1;
    } catch (error) {
      // A dump is reading the table, or another worker is creating the month: try later.
      if (isLocked(error)) return made;
      throw error;
    }
  }
  return made;
}

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === locked;
}
