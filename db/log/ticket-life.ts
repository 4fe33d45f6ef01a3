/** Handles mirrors whose ticket was deleted or merged into another. */
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import type { ReceiptView as Receipt } from '#core/conversation/receipt.ts';
import type { Ref, TicketSnapshot } from '#core/words/vocabulary.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { endColumns, endOf, farEnd, lockMirrorsOfTicket, type Mirror } from './mirrors.ts';
import { raiseNotice } from '#db/base/notices.ts';
import { putReceipt } from './receipts.ts';

/** Closes the live mirrors of a ticket that was deleted, and informs the other desk. Returns the instances to wake. */
export async function ticketGone(tx: Tx, ticket: Ref, deskName: string): Promise<string[]> {
  const wake: string[] = [];
  const why = reason('gone', { desk: deskName });
  for (const row of await liveMirrors(tx, ticket)) {
    await tx.execute(
      sql`update mirrors set state = 'closed', close_reason = 'gone', closed_at = now() where id = ${row.id}`,
    );
    await raiseNotice(tx, { link: row.link, cause: `gone/${row.id}`, text: `${ticket.externalId}: ${why.text}` });
    wake.push(await tellOtherDesk(tx, row, ticket, why));
  }
  return wake;
}

/** Within a link the mirror follows the surviving ticket; across links the meaning is unclear, so it is held. */
export async function followMerge(tx: Tx, ticket: Ref, deskName: string, into: string): Promise<string[]> {
  const { instance, entity, externalId } = ticket;
  const wake: string[] = [];
  // Writes that the desk accepted for the surviving ticket show up there.
  await tx.execute(
    sql`update writes set ticket = ${into}
      where instance = ${instance} and entity = ${entity} and ticket = ${externalId} and state in ('made', 'settled')`,
  );
  const survivors = await liveMirrors(tx, { ...ticket, externalId: into });
  for (const row of await liveMirrors(tx, ticket)) {
    const [survivor] = survivors;
    if (survivor === undefined) {
      const column = endColumns[endOf(row, ticket).side].ticket;
      await tx.execute(sql`update mirrors set ${column} = ${into} where id = ${row.id}`);
      continue;
    }
    const own = survivors.find((one) => one.link === row.link);
    if (own !== undefined) {
      await tx.execute(
        sql`update mirrors set state = 'closed', close_reason = 'merged', closed_at = now() where id = ${row.id}`,
      );
      const far = farEnd(own, endOf(row, ticket));
      const told = reason('merged', { desk: deskName, number: far.number ?? far.ticketId ?? undefined });
      wake.push(await tellOtherDesk(tx, row, ticket, told));
      continue;
    }
    const why = reason('merged-elsewhere', { desk: deskName });
    await tx.execute(
      sql`update mirrors set paused_at = coalesce(paused_at, now()), pause_reason = 'merged-elsewhere' where id = ${row.id}`,
    );
    await raiseNotice(tx, { link: row.link, cause: `merged/${row.id}`, text: `${ticket.externalId}: ${why.text}` });
    wake.push(await tellOtherDesk(tx, row, ticket, why));
  }
  return wake;
}

/** Tells whether it was read at or after this instant (UTC), by the database's clock. */
export async function isReadSince(db: Db, { instance, entity, externalId }: Ref, since: string): Promise<boolean> {
  const found = await rows(
    db,
    sql`select 1 as one from tickets where instance = ${instance} and entity = ${entity} and external_id = ${externalId}
      and read_at >= ${since}::timestamptz`,
  );
  return found.length > 0;
}

/** Returns the ticket as last read; null if it has no mirror. */
export async function lastSnapshot(db: Db, { instance, entity, externalId }: Ref): Promise<TicketSnapshot | null> {
  const [row] = await rows<{ snapshot: TicketSnapshot | null }>(
    db,
    sql`select snapshot from tickets where instance = ${instance} and entity = ${entity} and external_id = ${externalId}`,
  );
  return row?.snapshot ?? null;
}

async function liveMirrors(tx: Tx, ticket: Ref): Promise<Mirror[]> {
  const mirrors = await lockMirrorsOfTicket(tx, ticket);
  return mirrors.filter((row) => row.state === 'opening' || row.state === 'open');
}

async function tellOtherDesk(tx: Tx, row: Mirror, ticket: Ref, why: Receipt['reason']): Promise<string> {
  const here = endOf(row, ticket);
  const to = farEnd(row, here).instance;
  const receipt: Receipt = {
    outcome: 'refused',
    reason: why,
    escalation: false,
    farName: here.name,
    farNumber: here.number,
    farUrl: here.url,
    action: { author: { name: '', role: 'automation' }, at: new Date().toISOString(), kind: null },
  };
  await putReceipt(tx, { mirror: row.id, to, action: row.id, receipt });
  return to;
}
