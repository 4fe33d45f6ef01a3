import { sql } from 'drizzle-orm';
import { rows, type Db } from './client.ts';

/** Whether the same refusal was told on this lane before: same reason, same sort of action. */
export async function toldBefore(db: Db, delivery: string): Promise<boolean> {
  const found = await rows(
    db,
    sql`select 1 as one from deliveries mine
      join deliveries before on before.mirror = mine.mirror and before.to_instance = mine.to_instance
        and before.seq < mine.seq and before.kind = 'receipt' and before.outcome = 'applied'
      where mine.id = ${delivery} and mine.receipt->>'outcome' = 'refused' and before.receipt->>'outcome' = 'refused'
        and before.receipt->'reason' = mine.receipt->'reason'
        and before.receipt->'action'->>'kind' is not distinct from mine.receipt->'action'->>'kind'
        and before.receipt->'action'->'author' = mine.receipt->'action'->'author'
        and before.ended_at > now() - interval '1 day'
      limit 1`,
  );
  return found.length > 0;
}
