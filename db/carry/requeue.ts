/** Puts a refused delivery at the end of its lane again; it will say when it was written. */
import { sql } from 'drizzle-orm';
import type { Tx } from '#db/base/client.ts';
import { settleLane, type LaneKey } from './lanes.ts';

/** The caller holds its lock. @param quiet it mails no end user */
export async function requeueRefused(tx: Tx, id: string, { mirror, to }: LaneKey, quiet = false): Promise<void> {
  // Its promised writes certainly were not made, or it would not have been refused; it is decided again.
  await tx.execute(sql`delete from writes where delivery = ${id}`);
  await tx.execute(
    sql`with lane as (
        update lanes set last_seq = last_seq + 1 where mirror = ${mirror} and to_instance = ${to} returning last_seq
      )
      update deliveries d set seq = lane.last_seq, outcome = null, reason = null, drops = null, ended_at = null,
        held_at = null, set_aside_at = null, first_tried_at = null, attempts = 0, released_at = now(), quiet = ${quiet}
      from lane where d.id = ${id}`,
  );
  await tx.execute(settleLane(mirror, to));
}
