/** Counts how much of one link waits to be carried to our desk, so that nobody can fill the database. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';

/** @param most the count stops there */
export async function waitingFor(db: Db, link: string, to: string, most: number): Promise<number> {
  const [found] = await rows<{ waiting: number }>(
    db,
    sql`select count(*)::int as waiting from (
        select 1 from lanes l join deliveries d on d.mirror = l.mirror and d.to_instance = l.to_instance
          and d.outcome is null and d.accepted_at is null
        where l.to_instance = ${to} and l.link = ${link} and l.due_at is not null limit ${most}
      ) counted`,
  );
  return found?.waiting ?? 0;
}
