/** Marks the ticket of an escalation that opened nothing in time: a private note down the customer's lane. */
import { sql } from 'drizzle-orm';
import { reason } from '#core/reasons.ts';
import type { ReceiptView } from '#core/receipt.ts';
import { rows, type Client } from './client.ts';

/** Returns the instances to wake. */
export async function markOverdue(db: Client, mirror: string): Promise<string[]> {
  const [row] = await rows<{ customer: string; supplier: string; action_author: ReceiptView['action']['author'] | null; at: string }>(
    db,
    sql`select m.customer_instance as customer, si.name as supplier, a.author as action_author, to_json(a.at)#>>'{}' as at
      from mirrors m join instances si on si.id = m.supplier_instance join actions a on a.id = m.id where m.id = ${mirror}`,
  );
  if (row === undefined) return [];
  const receipt: ReceiptView = {
    outcome: 'refused',
    reason: reason('escalation-overdue', { desk: row.supplier }),
    farNumber: null,
    farUrl: null,
    farName: row.supplier,
    // Not `escalation`: that would clear the supplier reference, and the escalation may still arrive.
    escalation: false,
    action: { author: row.action_author ?? { name: '', role: 'automation' }, at: new Date(row.at).toISOString(), kind: null },
  };
  await db.execute(
    sql`with lane as (
        update lanes set last_seq = last_seq + 1, due_at = coalesce(due_at, now())
        where mirror = ${mirror} and to_instance = ${row.customer} returning last_seq
      )
      insert into deliveries (mirror, to_instance, seq, kind, action, receipt)
      select ${mirror}, ${row.customer}, last_seq, 'receipt', ${mirror}, ${JSON.stringify(receipt)}::jsonb from lane`,
  );
  return [row.customer];
}
