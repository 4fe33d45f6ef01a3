/** Months of `attempts`, made years ahead: when one is needed, nobody has to wait for the lock that makes it. */
import { sql } from 'drizzle-orm';
import { rows, type Client } from '#db/base/client.ts';

/** Made so far ahead, a month that can't be made today is made another day. */
const monthsAhead = 36;
/** SQLSTATE lock_not_available. */
const locked = '55P03';

/**
 * Makes the months that are missing, from the next one on, and returns how many it made. A month is made by itself and
 * then attached, which lets whoever writes attempts go on; the lock on the default partition that this takes is not
 * waited for, since a wait for it would make others wait behind. What a clock that was wrong has put there for the month
 * moves into it. A function of the tables' owner does it (migration 0004), as this process may be none.
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
      // A dump reads the table, or another worker makes the month: later.
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
