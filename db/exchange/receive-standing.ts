/**
 * The state of another gateway's ticket, as that gateway reports it: stored as its snapshot, so that mirrors close and
 * reopen.
 */
import { isDeepStrictEqual } from 'node:util';
import { sql } from 'drizzle-orm';
import { refKey } from '#core/words/ref.ts';
import type { Ref, SideName, TicketSnapshot } from '#core/words/vocabulary.ts';
import type { WireAction, WireTicket } from '#core/wire.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { endColumns, type Mirror } from '#db/log/mirrors.ts';
import { textArray } from '#db/base/text-array.ts';

/** Locks the known tickets of the instance in the order of their refs; returns their snapshots by refKey. */
export async function lockSnapshots(
  tx: Tx,
  instance: string,
  tickets: readonly Ref[],
): Promise<Map<string, TicketSnapshot | null>> {
  // One at a time by its key, as in locked-ticket.ts.
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

/** Builds the snapshot after an action: what the action says about the ticket, and those of its words that changed. */
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

/**
 * Stores the snapshot and the ticket's name and URL. Follows a ticket that was merged there, unless another mirror has
 * it.
 */
export async function rememberStanding(
  tx: Tx,
  mirror: Mirror,
  side: SideName,
  ticket: Ref,
  { standing, before }: { readonly standing: TicketSnapshot; readonly before: TicketSnapshot | null },
): Promise<void> {
  // Most actions change nothing about the ticket's state.
  if (!isDeepStrictEqual(before, standing)) {
    await tx.execute(
      sql`insert into tickets (instance, entity, external_id, snapshot)
        values (${ticket.instance}, ${ticket.entity}, ${ticket.externalId}, ${content('snapshot', standing)}::jsonb)
        on conflict (instance, entity, external_id) do update set snapshot = excluded.snapshot, read_at = now()`,
    );
  }
  const { entity, ticketId: known, number, url } = mirror.ends[side];
  // A supplier's ticket is bound only by the receipt of the escalation.
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
