import { sql } from 'drizzle-orm';
import { rows, type Db } from './client.ts';

/** Time-ordered ids, minted by the database so that one clock orders them. */
export async function newIds(db: Db, count: number): Promise<string[]> {
  if (count === 0) return [];
  const made = await rows<{ id: string }>(db, sql`select uuidv7() as id from generate_series(1, ${count})`);
  return made.map((row) => row.id);
}
