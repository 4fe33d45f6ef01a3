import { eq, sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import { createGathered } from '#db/base/gather.ts';
import { instances } from '#db/schema/instances.ts';
import { textArray } from '#db/base/text-array.ts';

export type InstanceRow = typeof instances.$inferSelect;

export async function loadInstance(db: Db, id: string): Promise<InstanceRow | null> {
  const [row] = await db.select().from(instances).where(eq(instances.id, id));
  return row ?? null;
}

/**
 * Stores what a helpdesk reports about itself at the first contact. Returns another instance that already is this
 * helpdesk; null if there is none.
 */
export async function keepIdentity(db: Db, id: string, identity: string): Promise<string | null> {
  const [found] = await rows<{ id: string }>(
    db,
    sql`with other as materialized (select id from instances where identity = ${identity} and id <> ${id}),
      kept as (
        update instances set identity = ${identity}
        where id = ${id} and identity is null and not exists (select 1 from other)
      )
      select id from other`,
  );
  return found?.id ?? null;
}

/** Like `loadInstance`, batching calls at about the same time. */
export function createInstanceReader(db: Db): (id: string) => Promise<InstanceRow | null> {
  return createGathered(async (ids) => {
    const found = await db
      .select()
      .from(instances)
      .where(sql`${instances.id} = any(${textArray(ids)})`);
    return ids.map((id) => found.find((row) => row.id === id) ?? null);
  });
}
