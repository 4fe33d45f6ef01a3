// A delivery that waits for an instance, for which a promise can be made.
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Db } from '#db/base/client.ts';

/** Creates it on its own mirror, for an action that nobody has logged. Returns its id. */
export async function waitingDelivery(db: Db, to: string, id: string = randomUUID()): Promise<string> {
  await db.execute(sql`insert into deliveries (id, mirror, to_instance, seq, kind, action)
    values (${id}, ${randomUUID()}, ${to}, 1, 'action', ${randomUUID()})`);
  return id;
}
