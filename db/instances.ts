import { eq } from 'drizzle-orm';
import type { Db } from './client.ts';
import { instances } from './schema/instances.ts';

export type InstanceRow = typeof instances.$inferSelect;

export async function loadInstance(db: Db, id: string): Promise<InstanceRow | null> {
  const [row] = await db.select().from(instances).where(eq(instances.id, id));
  return row ?? null;
}
