import { sql } from 'drizzle-orm';
import type { ReceiptView } from '#core/conversation/receipt.ts';
import type { Outcome, Reason } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { typeIsRemote } from '#db/base/reach.ts';

/** Tells whether the same refusal was already reported on this lane: same reason, same kind of action. */
export async function alreadyNotified(db: Db, delivery: string): Promise<boolean> {
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

/** Tells whether a receipt with the far ticket's number is still on its way to a desk. */
export async function isReferenceUnderWay(db: Db, mirror: string, to: string): Promise<boolean> {
  const found = await rows(
    db,
    sql`select 1 as one from deliveries where mirror = ${mirror} and to_instance = ${to} and kind = 'receipt'
      and outcome is null and (receipt->>'escalation')::boolean limit 1`,
  );
  return found.length > 0;
}

/**
 * Sends a receipt for a delivery that somebody ended by hand to another gateway or API client, as for every outcome.
 * Returns the instances to wake.
 */
export async function tellRemote(tx: Db, delivery: string, outcome: Outcome, reason: Reason): Promise<string[]> {
  const [row] = await rows<{
    mirror: string;
    to: string;
    action: string;
    at: string;
    desk: string;
    escalation: boolean;
  }>(
    tx,
    sql`select d.mirror, other.id as "to", d.action, to_json(a.at)#>>'{}' as at, here.name as desk, d.escalation
      from deliveries d join mirrors m on m.id = d.mirror join actions a on a.id = d.action
      join instances here on here.id = d.to_instance
      join instances other on other.id = case when d.to_instance = m.first_instance then m.second_instance else m.first_instance end
      where d.id = ${delivery} and d.kind = 'action' and ${typeIsRemote('other.type')}`,
  );
  if (row === undefined) return [];
  const { mirror, to, action, at, desk, escalation } = row;
  const receipt: ReceiptView = {
    outcome,
    reason,
    farNumber: null,
    farUrl: null,
    farName: desk,
    escalation,
    action: { author: { name: '', role: 'automation' }, at, kind: null },
  };
  await putReceipt(tx, { mirror, to, action, receipt });
  return [to];
}

export type NewReceipt = {
  readonly mirror: string;
  readonly to: string;
  /** The action that it reports on. */
  readonly action: string;
  readonly receipt: ReceiptView;
};

/** Puts a receipt on a lane. Must run in the transaction that it reports on, or a crash would lose it. */
export async function putReceipt(db: Db, { mirror, to, action, receipt }: NewReceipt): Promise<void> {
  await db.execute(
    sql`with lane as (
        update lanes set last_seq = last_seq + 1, due_at = coalesce(due_at, now())
        where mirror = ${mirror} and to_instance = ${to} returning last_seq
      )
      insert into deliveries (mirror, to_instance, seq, kind, action, receipt)
      select ${mirror}, ${to}, last_seq, 'receipt', ${action}, ${content('receipt', receipt)}::jsonb from lane`,
  );
}
