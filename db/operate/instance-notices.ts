/**
 * Raises one notice about an instance that stays down, on each of its links, and clears it when the instance is back.
 */
import { sql } from 'drizzle-orm';
import type { Db } from '#db/base/client.ts';

/** Most links that get a notice about one instance: a supplier's trouble is not reported a thousand times. */
const linksTold = 50;

/** Raises notices for instances down longer than `afterMs`, and clears those of instances that are up. */
export async function noticeInstances(db: Db, afterMs: number): Promise<void> {
  await db.execute(
    sql`insert into notices (link, cause, text)
      select told.link, 'instance/' || i.id, i.name || ': ' || coalesce(i.state_reason, i.state)
      from instances i
      cross join lateral (
        select s.link from sides s join links l on l.id = s.link and l.state = 'active'
        where s.instance = i.id order by s.link limit ${linksTold}) told
      where i.state in ('down', 'auth', 'key', 'other') and i.state_since < now() - make_interval(secs => ${afterMs / 1000})
      on conflict (link, cause) where cleared_at is null do nothing`,
  );
  await db.execute(
    sql`update notices n set cleared_at = now()
      from instances i where n.cause = 'instance/' || i.id and n.cleared_at is null and i.state = 'up'`,
  );
}
