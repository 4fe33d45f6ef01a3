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
 * moves into it.
 */
export async function ensurePartitions(db: Client): Promise<number> {
  const missing = await rows<{ name: string; from: string; to: string }>(
    db,
    sql`select 'attempts_' || to_char(month, 'YYYY_MM') as name, month::text as "from", (month + interval '1 month')::date::text as "to"
      from (select (date_trunc('month', now() at time zone 'utc') + make_interval(months => ahead))::date as month
        from generate_series(1, ${monthsAhead}::int) ahead) months
      where to_regclass('attempts_' || to_char(month, 'YYYY_MM')) is null order by month`,
  );
  for (const [made, { name, from, to }] of missing.entries()) {
    try {
      await db.transaction(async (tx) => {
        await tx.execute(sql`set local lock_timeout = '1s'`);
        await tx.execute(sql`lock table only attempts in share update exclusive mode nowait`);
        await tx.execute(sql`lock table attempts_default in access exclusive mode nowait`);
        const table = sql.identifier(name);
        const month = sql`at >= ${sql.raw(literal(from))}::timestamptz and at < ${sql.raw(literal(to))}::timestamptz`;
        await tx.execute(sql`create table ${table} (like attempts including all)`);
        await tx.execute(sql`with moved as (delete from attempts_default where ${month} returning *)
          insert into ${table} select * from moved`);
        await tx.execute(
          sql`alter table attempts attach partition ${table} for values from (${sql.raw(literal(from))}) to (${sql.raw(literal(to))})`,
        );
      });
    } catch (error) {
      // A dump reads the table, or another worker makes the month: later.
      if (isLocked(error)) return made;
      throw error;
    }
  }
  return missing.length;
}

/** A day, in UTC: what PostgreSQL has just written of a date. */
function literal(day: string): string {
  if (!/^\d{4,6}-\d\d-\d\d$/.test(day)) throw new TypeError(`not a day: ${day}`);
  return `'${day} 00:00:00+00'`;
}

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === locked;
}
