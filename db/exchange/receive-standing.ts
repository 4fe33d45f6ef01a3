/** How the ticket of another gateway stands, as it says itself: kept as its snapshot, so that mirrors close and reopen. */
import { isDeepStrictEqual } from 'node:util';
import { sql } from 'drizzle-orm';
import { refKey } from '#core/words/ref.ts';
import type { Ref, SideName, TicketSnapshot } from '#core/words/vocabulary.ts';
import type { WireAction, WireTicket } from '#core/wire.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { endColumns, type Mirror } from '#db/log/mirrors.ts';
import { textArray } from '#db/base/text-array.ts';

/** Those of the instance's tickets that are known, by refKey; locked in the order of their refs. */
export async function lockSnapshots(
  tx: Tx,
  instance: string,
  tickets: readonly Ref[],
): Promise<Map<string, TicketSnapshot | null>> {
  // Each in turn, by its key, as in locked-ticket.ts.
  const found = await rows<Omit<Ref, 'instance'> & { snapshot: TicketSnapshot | null }>(
    tx,
    sql`select locked.* from (
        select distinct entity, id from unnest(${textArray(tickets.map(({ entity }) => entity))},
          ${textArray(tickets.map(({ externalId }) => externalId))}) as named (entity, id) order by entity, id
      ) asked
      cross join lateral (
        select entity, external_id as "externalId", snapshot from tickets t
        where t.instance = ${instance} and t.entity = asked.entity and t.external_id = asked.id for update
      ) locked`,
  );
  return new Map(found.map(({ snapshot, ...ref }) => [refKey({ instance, ...ref }), snapshot]));
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
  ticket: Ref,
  { standing, before }: { readonly standing: TicketSnapshot; readonly before: TicketSnapshot | null },
): Promise<void> {
  // Most of what is said on a ticket changes nothing about how it stands.
  if (!isDeepStrictEqual(before, standing)) {
    await tx.execute(
      sql`insert into tickets (instance, entity, external_id, snapshot)
        values (${ticket.instance}, ${ticket.entity}, ${ticket.externalId}, ${content('snapshot', standing)}::jsonb)
        on conflict (instance, entity, external_id) do update set snapshot = excluded.snapshot, read_at = now()`,
    );
  }
  const { entity, ticketId: known, number, url } = mirror.ends[side];
  // A supplier's ticket is bound by the receipt of the escalation, never by what else is said.
  if (known === null) return;
  const isKnown = entity === ticket.entity && known === ticket.externalId;
  if (isKnown && number === standing.number && url === standing.url) return;
  const column = endColumns[side];
  await tx.execute(
    sql`update mirrors set ${column.entity} = ${ticket.entity}, ${column.ticket} = ${ticket.externalId}, ${column.number} = ${standing.number}, ${column.url} = ${standing.url}
      where id = ${mirror.id} and not exists (
        select 1 from mirrors other where other.link = ${mirror.link} and other.id <> ${mirror.id}
          and other.${column.entity} = ${ticket.entity} and other.${column.ticket} = ${ticket.externalId} and other.state in ('opening', 'open'))`,
  );
}
