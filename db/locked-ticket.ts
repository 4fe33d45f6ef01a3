/**
 * Everything logging must know of a ticket, behind the ticket's lock. Two statements sent together: the first takes the
 * lock, the second begins when the lock is held and so sees what whoever held it before has committed.
 */
import { sql } from 'drizzle-orm';
import type { WriteView } from '#core/recognise.ts';
import type { Before } from '#core/unrecorded.ts';
import { rows, type Tx } from './client.ts';
import { mirrorColumns, mirrorFrom, ofTicket, type MirrorRow } from './mirrors.ts';
import { openingsQuery, type OpeningRow } from './openings.ts';
import { textArray } from './text-array.ts';

export type LockedTicket = {
  /** Nobody has read it yet. */
  readonly isNew: boolean;
  readonly closed: boolean | null;
  /** How it was when it was last read, as far as no action tells. */
  readonly before: Before;
  readonly liveSince: string | null;
  /** Ids for new actions, one per action read, in order; the database mints them, so that one clock orders them. */
  readonly ids: readonly string[];
  /** Of the actions read: those logged or recognised before, and as what. */
  readonly known: ReadonlyMap<string, 'action' | 'echo' | 'consequence'>;
  /** Unsettled writes to the ticket, and those settled so lately that their automations may still trail. */
  readonly writes: readonly WriteView[];
  /** Its mirrors that still matter, oldest first, locked in the order of their ids. */
  readonly mirrors: MirrorRow[];
  readonly openings: readonly OpeningRow[];
  /** A ticket is being created in the instance right now. */
  readonly creating: boolean;
};

type Row = {
  readonly is_new: boolean;
  readonly closed: boolean | null;
  readonly before: Before;
  readonly live_since: string | null;
  readonly ids: string[] | null;
};

/** `first`: done behind the lock, before anything else is looked at. */
export async function lockTicket(
  tx: Tx,
  instance: string,
  ticketId: string,
  externalIds: readonly string[],
  first?: () => Promise<void>,
): Promise<LockedTicket> {
  if (first !== undefined) {
    const count = externalIds.length;
    const locked = (await lockKnown(tx, instance, ticketId, count)) ?? (await lockNew(tx, instance, ticketId, count));
    await first();
    return { ...locked, ...(await behindLock(tx, instance, ticketId, externalIds)) };
  }
  const [found, together] = await Promise.all([
    lockKnown(tx, instance, ticketId, externalIds.length),
    behindLock(tx, instance, ticketId, externalIds),
  ]);
  if (found !== null) return { ...found, ...together };
  const made = await lockNew(tx, instance, ticketId, externalIds.length);
  return { ...made, ...(await behindLock(tx, instance, ticketId, externalIds)) };
}

type Head = Pick<LockedTicket, 'isNew' | 'closed' | 'before' | 'liveSince' | 'ids'>;

function head(row: Row | undefined): Head | null {
  if (row === undefined) return null;
  return { isNew: row.is_new, closed: row.closed, before: row.before, liveSince: row.live_since, ids: row.ids ?? [] };
}

async function lockKnown(tx: Tx, instance: string, ticketId: string, count: number): Promise<Head | null> {
  const [row] = await rows<Row>(
    tx,
    sql`select false as is_new, (t.snapshot->>'closed')::boolean as closed,
        case when t.snapshot is not null then jsonb_build_object('summary', t.snapshot->'summary', 'fields', t.snapshot->'fields') end as before,
        (select to_json(live_since)#>>'{}' from instances where id = ${instance}) as live_since,
        (select to_json(array_agg(uuidv7())) from generate_series(1, ${count}::int)) as ids
      from tickets t where t.instance = ${instance} and t.kind = 'ticket' and t.external_id = ${ticketId} for update of t`,
  );
  return head(row);
}

async function lockNew(tx: Tx, instance: string, ticketId: string, count: number): Promise<Head> {
  const [row] = await rows<Row>(
    tx,
    sql`insert into tickets (instance, kind, external_id) values (${instance}, 'ticket', ${ticketId})
      on conflict (instance, kind, external_id) do update set read_at = now()
      returning (xmax = 0) as is_new, (snapshot->>'closed')::boolean as closed,
        case when snapshot is not null then jsonb_build_object('summary', snapshot->'summary', 'fields', snapshot->'fields') end as before,
        (select to_json(live_since)#>>'{}' from instances where id = ${instance}) as live_since,
        (select to_json(array_agg(uuidv7())) from generate_series(1, ${count}::int)) as ids`,
  );
  const made = head(row);
  if (made === null) throw new Error(`ticket ${ticketId} of ${instance} could not be locked`);
  return made;
}

type BehindLock = Pick<LockedTicket, 'known' | 'writes' | 'mirrors' | 'openings' | 'creating'>;

async function behindLock(
  tx: Tx,
  instance: string,
  ticketId: string,
  externalIds: readonly string[],
): Promise<BehindLock> {
  const [row] = await rows<{
    known: Record<string, 'action' | 'echo' | 'consequence'> | null;
    writes: WriteView[] | null;
    mirrors: MirrorRow[] | null;
    openings: OpeningRow[] | null;
    creating: boolean;
  }>(
    tx,
    sql`with its_mirrors as materialized (
        select ${mirrorColumns} from ${mirrorFrom} where ${ofTicket(instance, ticketId)} order by m.id for update of m
      )
      select (select json_agg(its_mirrors) from its_mirrors) as mirrors,
        (select json_object_agg(seen.id, seen."as") from (
          select external_id as id, 'action' as "as" from actions
            where instance = ${instance} and ticket = ${ticketId} and external_id = any(${textArray(externalIds)})
          union all
          select external_id, "as" from written_ids
            where instance = ${instance} and ticket = ${ticketId} and external_id = any(${textArray(externalIds)})
        ) seen) as known,
        (select json_agg(json_build_object('delivery', w.delivery, 'step', w.step, 'marker', w.marker, 'fingerprints', w.fingerprints,
            'state', w.state, 'actionIds', coalesce(w.written->'actionIds', '[]'::jsonb), 'promisedAt', w.promised_at,
            'deadline', w.deadline) order by w.promised_at)
          from writes w where w.instance = ${instance} and w.ticket = ${ticketId}
            and (w.state in ('open', 'made') or w.promised_at > now() - interval '5 minutes')) as writes,
        (select json_agg(o) from (${openingsQuery(instance)}) o) as openings,
        exists (select 1 from writes where instance = ${instance} and ticket is null and state = 'open') as creating`,
  );
  return {
    known: new Map(Object.entries(row?.known ?? {})),
    writes: row?.writes ?? [],
    mirrors: row?.mirrors ?? [],
    openings: row?.openings ?? [],
    creating: row?.creating ?? false,
  };
}
