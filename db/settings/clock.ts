/** Stores how far an instance's clock runs ahead of ours, as a process has just measured it. */
import { sql } from 'drizzle-orm';
import type { Db } from '#db/base/client.ts';

/** A value measured from our actions is not overwritten by one from a reply's header, which may be a proxy's. */
export async function saveClock(db: Db, instance: string, offsetMs: number, by: 'action' | 'reply'): Promise<void> {
  await db.execute(
    sql`update instances set clock_offset_ms = ${offsetMs}, clock_by = ${by}, clock_at = now()
      where id = ${instance} and (${by} = 'action' or clock_by is distinct from 'action' or clock_at < now() - interval '1 hour')
        and (clock_offset_ms is null or abs(clock_offset_ms - ${offsetMs}) > 100 or clock_by <> ${by} or clock_at < now() - interval '4 minutes')`,
  );
}
