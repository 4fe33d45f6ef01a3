/** How the ticket of another gateway stands, as it says itself: kept as its snapshot, so that mirrors close and reopen. */
import { isDeepStrictEqual } from 'node:util';
import { sql } from 'drizzle-orm';
import type { SideName, TicketSnapshot } from '#core/words/vocabulary.ts';
import type { WireAction, WireTicket } from '#core/wire.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { endColumns, type Mirror } from '#db/log/mirrors.ts';
import { textArray } from '#db/base/text-array.ts';

/** The tickets that are known, locked in the order of their ids. */
export async function lockSnapshot(
  tx: Tx,
  instance: string,
  tickets: readonly string[],
): Promise<Map<string, TicketSnapshot | null>> {
  const found = await rows<{ id: string; snapshot: TicketSnapshot | null }>(
    tx,
    sql`select external_id as id, snapshot from tickets
      where instance = ${instance} and kind = 'ticket' and external_id = any(${textArray(tickets)})
      order by external_id for update`,
  );
  return new Map(found.map(({ id, snapshot }) => [id, snapshot]));
}

/** The standing after an action: what it says of the ticket, and of its own words those that changed. */
export function snapshotWith(
  known: TicketSnapshot | null,
  ticket: WireTicket,
  action?: Pick<WireAction, 'words' | 'escalation'>,
): TicketSnapshot {
  const words = action?.words;
  const summary = action?.escalation?.summary ?? words?.summary ?? known?.summary ?? '';
  return {
    ticketId: ticket.id,
    number: ticket.number,
    url: ticket.url,
    summary,
    description: '',
    status: words?.status ?? known?.status ?? '',
    closed: ticket.closed,
    category: words?.category === undefined ? (known?.category ?? null) : words.category,
    type: words?.type === undefined ? (known?.type ?? null) : words.type,
    priority: words?.priority === undefined ? (known?.priority ?? null) : words.priority,
    fields: { ...known?.fields, ...words?.fields },
    account: null,
    requester: null,
  };
}

/** Stores it, and what people call the ticket; a ticket that was merged there is followed, unless another mirror has it. */
export async function rememberStanding(
  tx: Tx,
  mirror: Mirror,
  side: SideName,
  instance: string,
  { standing, before }: { readonly standing: TicketSnapshot; readonly before: TicketSnapshot | null },
): Promise<void> {
  // Most of what is said on a ticket changes nothing about how it stands.
  if (!isDeepStrictEqual(before, standing)) {
    await tx.execute(
      sql`insert into tickets (instance, kind, external_id, snapshot)
        values (${instance}, 'ticket', ${standing.ticketId}, ${JSON.stringify(standing)}::jsonb)
        on conflict (instance, kind, external_id) do update set snapshot = excluded.snapshot, read_at = now()`,
    );
  }
  const { ticketId: known, number, url } = mirror.ends[side];
  // A supplier's ticket is bound by the receipt of the escalation, never by what else is said.
  if (known === null) return;
  if (known === standing.ticketId && number === standing.number && url === standing.url) return;
  const column = endColumns[side];
  await tx.execute(
    sql`update mirrors set ${column.ticket} = ${standing.ticketId}, ${column.number} = ${standing.number}, ${column.url} = ${standing.url}
      where id = ${mirror.id} and not exists (
        select 1 from mirrors other where other.link = ${mirror.link} and other.id <> ${mirror.id}
          and other.${column.ticket} = ${standing.ticketId} and other.state in ('opening', 'open'))`,
  );
}
