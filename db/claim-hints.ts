/** What watchers do with hints. A hint is claimed by deleting it; one made meanwhile is another. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from './client.ts';
import type { Hint } from './hint.ts';

/** Due after `delayMs`; an earlier one for the same ticket stays. */
export async function addHint(db: Db, instance: string, ticket: string, delayMs: number): Promise<void> {
  await db.execute(
    sql`insert into hints (instance, ticket, due_at) values (${instance}, ${ticket}, now() + make_interval(secs => ${delayMs / 1000}))
      on conflict (instance, ticket) do update set due_at = least(hints.due_at, excluded.due_at)`,
  );
}

export async function claimHints(db: Db, limit: number): Promise<Hint[]> {
  return rows<Hint>(
    db,
    sql`delete from hints where (instance, ticket) in (
        select instance, ticket from hints where due_at <= now() order by due_at limit ${limit} for update skip locked)
      returning instance, ticket`,
  );
}

/** Milliseconds until the next hint is due; null where there is none. */
export async function nextHintMs(db: Db): Promise<number | null> {
  const [row] = await rows<{ ms: number | null }>(
    db,
    sql`select greatest(extract(epoch from min(due_at) - now()) * 1000, 0)::float8 as ms from hints`,
  );
  return row?.ms ?? null;
}
