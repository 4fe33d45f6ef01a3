/** Carries a refused delivery again, decided by today's settings: the cause of the refusal may have been fixed. */
import { sql } from 'drizzle-orm';
import { isRemote } from '#core/words/reach.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import { requeueRefused } from '#db/carry/requeue.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { lockDelivery } from './operate.ts';

/**
 * `elsewhere`: another gateway or API client refused it, so it must be retried there. `opens`: it was to open a ticket.
 */
export type Replayed =
  | { readonly done: true; readonly to: string; readonly refused: Reason | null }
  | { readonly done: false; readonly why: 'unknown' | 'not-refused' | 'elsewhere' | 'opens' };

/** Puts it at the end of its lane; what it writes will say when it was written. */
export async function replayDelivery(tx: Tx, id: string): Promise<Replayed> {
  const delivery = await lockDelivery(tx, id);
  if (delivery === null) return { done: false, why: 'unknown' };
  const { mirror, to, outcome, opens, reason } = delivery;
  const [row] = await rows<{ type: string; kind: string }>(
    tx,
    sql`select i.type, d.kind from deliveries d join instances i on i.id = d.to_instance where d.id = ${id}`,
  );
  if (outcome !== 'refused' || row?.kind !== 'action') return { done: false, why: 'not-refused' };
  if (isRemote(row.type)) return { done: false, why: 'elsewhere' };
  if (opens) return { done: false, why: 'opens' };
  await requeueRefused(tx, id, { mirror, to });
  return { done: true, to, refused: reason };
}
