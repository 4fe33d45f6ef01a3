import { eq, sql } from 'drizzle-orm';
import type { Db } from '#db/base/client.ts';
import { createGathered } from '#db/base/gather.ts';
import { instances } from '#db/schema/instances.ts';
import { textArray } from '#db/base/text-array.ts';

export type InstanceRow = typeof instances.$inferSelect;

export async function loadInstance(db: Db, id: string): Promise<InstanceRow | null> {
  const [row] = await db.select().from(instances).where(eq(instances.id, id));
  return row ?? null;
}

/** As `loadInstance`, for many at about the same time. */
export function createInstanceReader(db: Db): (id: string) => Promise<InstanceRow | null> {
  return createGathered(async (ids) => {
    const found = await db
      .select()
      .from(instances)
      .where(sql`${instances.id} = any(${textArray(ids)})`);
    return ids.map((id) => found.find((row) => row.id === id) ?? null);
  });
}
