/**
 * Reports escalations that have opened nothing in time: a notice is raised, and the ticket is marked through the
 * customer's lane.
 */
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import type { ReceiptView } from '#core/conversation/receipt.ts';
import { rows, type Client, type Tx } from '#db/base/client.ts';
import { raiseNotice } from '#db/base/notices.ts';
import { putReceipt } from '#db/log/receipts.ts';

type Overdue = {
  readonly id: string;
  readonly link: string;
  readonly ticket: string;
  readonly customer: string;
  readonly supplier: string;
  readonly author: ReceiptView['action']['author'] | null;
  readonly at: string;
};

/** Most tickets marked in one transaction. */
const atOnce = 100;

/**
 * Claims, reports and marks each one once, all in one transaction: after a claim alone, a crash would lose the mark.
 * Returns the instances to wake.
 */
export async function markOverdue(db: Client, overdueMs: number): Promise<string[]> {
  return db.transaction(async (tx) => {
    const found = await claim(tx, overdueMs);
    for (const overdue of found) {
      const why = reason('escalation-overdue');
      await raiseNotice(tx, {
        link: overdue.link,
        cause: `overdue/${overdue.id}`,
        text: `${overdue.ticket}: ${why.text}`,
      });
      await putReceipt(tx, {
        mirror: overdue.id,
        to: overdue.customer,
        action: overdue.id,
        receipt: receiptOf(overdue),
      });
    }
    return [...new Set(found.map(({ customer }) => customer))];
  });
}

function claim(tx: Tx, overdueMs: number): Promise<Overdue[]> {
  return rows<Overdue>(
    tx,
    sql`with claimed as (
        update mirrors set overdue_told_at = now()
        where id in (
          select m.id from mirrors m join links l on l.id = m.link
          where m.state = 'opening' and m.overdue_told_at is null
            and m.created_at < now() - make_interval(secs => ${overdueMs / 1000})
            -- In quarantine nobody knows whether it is open; its time starts once the search for it begins.
            and l.state <> 'quarantined' and (l.resumed_at is null or l.resumed_at < now() - make_interval(secs => ${overdueMs / 1000}))
          order by m.id limit ${atOnce} for update of m skip locked)
        returning id, coalesce(opened_by, id) as opened_by, link, coalesce(first_number, first_ticket) as ticket, first_instance as customer, second_instance
      )
      select c.id, c.link, c.ticket, c.customer, si.name as supplier, a.author, to_json(a.at)#>>'{}' as at
      from claimed c join instances si on si.id = c.second_instance join actions a on a.id = c.opened_by order by c.id`,
  );
}

function receiptOf({ supplier, author, at }: Overdue): ReceiptView {
  return {
    outcome: 'refused',
    reason: reason('escalation-overdue', { desk: supplier }),
    farNumber: null,
    farUrl: null,
    farName: supplier,
    // Not `escalation`: that would clear the supplier reference, and the escalation may still arrive.
    escalation: false,
    action: { author: author ?? { name: '', role: 'automation' }, at: new Date(at).toISOString(), kind: null },
  };
}
