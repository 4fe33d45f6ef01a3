/** Marks the ticket of an escalation that opened nothing in time: a private note down the customer's lane. */
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import type { ReceiptView } from '#core/conversation/receipt.ts';
import { rows, type Client } from '#db/base/client.ts';
import { putReceipt } from '#db/log/receipts.ts';

/** Returns the instances to wake. */
export async function markOverdue(db: Client, mirror: string): Promise<string[]> {
  const [row] = await rows<{
    customer: string;
    supplier: string;
    action_author: ReceiptView['action']['author'] | null;
    at: string;
  }>(
    db,
    sql`select m.first_instance as customer, si.name as supplier, a.author as action_author, to_json(a.at)#>>'{}' as at
      from mirrors m join instances si on si.id = m.second_instance join actions a on a.id = m.id where m.id = ${mirror}`,
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
    action: {
      author: row.action_author ?? { name: '', role: 'automation' },
      at: new Date(row.at).toISOString(),
      kind: null,
    },
  };
  await putReceipt(db, { mirror, to: row.customer, action: mirror, receipt });
  return [row.customer];
}
