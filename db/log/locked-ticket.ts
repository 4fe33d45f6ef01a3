/**
 * Locks tickets and loads everything that logging needs. Two statements are sent together: the first takes the tickets'
 * locks in the order of their ids; the second starts once they are held, so it sees what previous holders committed. It
 * locks the tickets' mirrors in the order of their ids, and the lanes of each.
 */
import { sql, type SQL } from 'drizzle-orm';
import type { WriteView } from '#core/log/recognise.ts';
import type { Kept } from '#core/log/newest.ts';
import type { Position } from '#core/log/position.ts';
import type { Before } from '#core/log/unrecorded.ts';
import type { Ref } from '#core/words/vocabulary.ts';
import { refKey } from '#core/words/ref.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { joins, mattering, mirrorColumns, mirrorFrom, mirrorOf, type Mirror, type MirrorRow } from './mirrors.ts';
import { openingsQuery, type OpeningRow } from './openings.ts';
import { forgottenAt, mayAnyBeForgotten } from './may-be-forgotten.ts';
import { positionColumn } from './position-columns.ts';
import { arrayLiteral, textArray } from '#db/base/text-array.ts';

export type TicketRead = {
  readonly ref: Ref;
  /** External ids of all its actions that were read, in order. */
  readonly externalIds: readonly string[];
};

/** An action that is in the log, or was recognised as ours. */
export type KnownAction = {
  readonly as: 'action' | 'echo' | 'consequence';
  /** Instant of its creation, by its desk's clock; null if not recorded. */
  readonly made: string | null;
  readonly dated: string | null;
  /** Its author's name, and its note; null if not recorded. */
  readonly by: string | null;
  readonly note: string | null;
  /** Its text was already seen to differ. */
  readonly edited: boolean;
};

export type LockedTicket = {
  /** Nobody has read the ticket yet. */
  readonly isNew: boolean;
  readonly closed: boolean | null;
  /** Last-read values of what the desk may change without recording an action. */
  readonly before: Before;
  /** Go-live, instant by the desk's clock; and the instance's highest id at that time. */
  readonly liveSince: string | null;
  readonly liveAfter: string | null;
  /** For a ticket that nobody has read: up to when it may have been read and deleted from the log. */
  readonly forgottenTo: string | null;
  /** Ids for new actions, one per action read, in order; the database mints them, so that one clock orders them. */
  readonly ids: readonly string[];
  /** Those of the actions that were already logged or recognised, and as what. */
  readonly known: ReadonlyMap<string, KnownAction['as']>;
  /** Further details about the known actions. */
  readonly identities: ReadonlyMap<string, KnownAction>;
  /** The reading that the stored snapshot comes from; null if there is none. */
  readonly kept: Kept | null;
  /** How far the history is known, by its ids. */
  readonly position: Position;
  /** Instant by the desk's clock up to which it was read before positions consisted of ids; now only a hint. */
  readonly cursor: string | null;
  /** Instant, by the database's clock. */
  readonly now: string;
  /** Unsettled writes to the ticket, and those settled so recently that consequences may still appear. */
  readonly writes: readonly WriteView[];
  /** Our actions found on the ticket earlier, newest first. */
  readonly echoes: readonly Echo[];
  /** Its mirrors that still matter, oldest first; they and their lanes are locked in the order of their ids. */
  readonly mirrors: Mirror[];
  readonly openings: readonly OpeningRow[];
  /** A record of this entity is being created in the instance right now. */
  readonly creating: boolean;
  /** The database was restored, and the search for what was written since the backup is not complete. */
  readonly mayBeForgotten: boolean;
};

export type Echo = {
  readonly id: string;
  /** Instant, UTC, by the desk's clock. */
  readonly at: string;
  readonly delivery: string;
  readonly step: number;
};

/** `first`: runs under the lock, before anything else is read. */
export async function lockTicket(tx: Tx, read: TicketRead, first?: () => Promise<void>): Promise<LockedTicket> {
  if (first !== undefined) {
    const held = (await lockKnown(tx, [read])).get(0) ?? (await lockNew(tx, read));
    await first();
    // It may have moved the position back.
    const now = (await lockKnown(tx, [read])).get(0) ?? held;
    return one(await behindLocks(tx, [read], [{ ...now, isNew: held.isNew, forgottenTo: held.forgottenTo }]));
  }
  return one(await lockTickets(tx, [read]));
}

/** Locks several tickets, which must differ. Returns them in the order of the request. */
export async function lockTickets(tx: Tx, reads: readonly TicketRead[]): Promise<LockedTicket[]> {
  const [known, behind] = await Promise.all([lockKnown(tx, reads), readBehind(tx, reads)]);
  if (known.size === reads.length)
    return joined(
      reads,
      [...reads.keys()].map((n) => known.get(n)),
      behind,
    );
  const held: Head[] = [];
  for (const [n, read] of reads.entries()) held.push(known.get(n) ?? (await lockNew(tx, read)));
  return behindLocks(tx, reads, held);
}

type Head = Pick<
  LockedTicket,
  | 'isNew'
  | 'closed'
  | 'before'
  | 'kept'
  | 'liveSince'
  | 'liveAfter'
  | 'forgottenTo'
  | 'ids'
  | 'position'
  | 'cursor'
  | 'now'
>;
type Row = {
  readonly n: number;
  readonly closed: boolean | null;
  readonly before: Before;
  readonly kept: Kept | null;
  readonly live: {
    readonly since: string | null;
    readonly after: string | null;
    readonly forgotten: string | null;
  } | null;
  readonly ids: string[] | null;
  readonly position: Position;
  readonly cursor: string | null;
  readonly now: string;
};

function one(tickets: readonly LockedTicket[]): LockedTicket {
  const [ticket] = tickets;
  if (ticket === undefined) throw new Error('a ticket could not be locked');
  return ticket;
}

/** Builds the requested tickets as rows: number, instance, entity, ticket, and the ids of the actions as one text. */
function asked(reads: readonly TicketRead[]): SQL {
  const instances = textArray(reads.map(({ ref }) => ref.instance));
  const entities = textArray(reads.map(({ ref }) => ref.entity));
  const tickets = textArray(reads.map(({ ref }) => ref.externalId));
  const ids = textArray(reads.map((read) => arrayLiteral(read.externalIds)));
  return sql`unnest(${instances}, ${entities}, ${tickets}, ${ids}) with ordinality as asked (instance, entity, ticket, ids, n)`;
}

const headColumns = sql`(t.snapshot->>'closed')::boolean as closed,
  case when t.snapshot is not null then jsonb_build_object('summary', t.snapshot->'summary', 'fields', t.snapshot->'fields') end as before,
  case when t.snapshot is not null then jsonb_build_object('top', t.snapshot_top, 'begunAt', t.snapshot_begun, 'storedAt', t.read_at) end as kept,
  ${positionColumn} as position, to_json(t.cursor)#>>'{}' as cursor, to_json(clock_timestamp())#>>'{}' as now`;

/** Locks those that are known; returns them by their number. */
async function lockKnown(tx: Tx, reads: readonly TicketRead[]): Promise<Map<number, Head>> {
  // One at a time by key: a join could lock in any order, or read the whole table.
  const found = await rows<Row>(
    tx,
    sql`select (sorted.n - 1)::int as n, locked.closed, locked.before, locked.kept, locked.position, locked.cursor, locked.now,
        (select jsonb_build_object('since', live_since, 'after', live_after) from instances where id = sorted.instance) as live,
        (select to_json(array_agg(uuidv7())) from generate_series(1, cardinality(sorted.ids::text[]))) as ids
      from (select * from ${asked(reads)} order by instance, entity, ticket) sorted
      cross join lateral (
        select ${headColumns} from tickets t
        where t.instance = sorted.instance and t.entity = sorted.entity and t.external_id = sorted.ticket for update
      ) locked`,
  );
  return new Map(found.map((row) => [row.n, headOf(row, false)]));
}

async function lockNew(tx: Tx, { ref, externalIds }: TicketRead): Promise<Head> {
  const { instance, entity, externalId } = ref;
  const [row] = await rows<Row & { readonly is_new: boolean }>(
    tx,
    sql`insert into tickets as t (instance, entity, external_id) values (${instance}, ${entity}, ${externalId})
      on conflict (instance, entity, external_id) do update set read_at = now()
      returning (xmax = 0) as is_new, ${headColumns},
        (select jsonb_build_object('since', live_since, 'after', live_after, 'forgotten', case when ${entity} = 'ticket' then forgotten_to end)
          from instances where id = ${instance}) as live,
        (select to_json(array_agg(uuidv7())) from generate_series(1, ${externalIds.length}::int)) as ids`,
  );
  if (row === undefined) throw new Error(`${refKey(ref)} could not be locked`);
  return headOf(row, row.is_new);
}

function headOf({ closed, before, kept, live, ids, position, cursor, now }: Row, isNew: boolean): Head {
  return {
    isNew,
    closed,
    before,
    kept,
    liveSince: live?.since ?? null,
    liveAfter: live?.after ?? null,
    forgottenTo: live?.forgotten ?? null,
    ids: ids ?? [],
    position,
    cursor,
    now,
  };
}

type Behind = Pick<
  LockedTicket,
  'known' | 'identities' | 'writes' | 'echoes' | 'openings' | 'creating' | 'mayBeForgotten'
> & {
  readonly forgottenLinks: readonly string[];
};
type BehindRow = {
  readonly n: number;
  readonly mirrors: MirrorRow[] | null;
  readonly echoes: Echo[] | null;
  readonly known: Record<string, KnownAction> | null;
  readonly writes: Omit<WriteView, 'seenAs'>[] | null;
  readonly openings: OpeningRow[] | null;
  readonly creating: boolean;
  /** On any link of any instance; the details have to be queried. */
  readonly forgotten: boolean;
};

async function behindLocks(tx: Tx, reads: readonly TicketRead[], held: readonly Head[]): Promise<LockedTicket[]> {
  return joined(reads, held, await readBehind(tx, reads));
}

/**
 * Joins both results. A mirror whose two tickets are both locked is one object, so that changes to it are seen from
 * either side.
 */
function joined(
  reads: readonly TicketRead[],
  held: readonly (Head | undefined)[],
  found: { readonly mirrors: readonly Mirror[]; readonly behind: ReadonlyMap<number, Behind> },
): LockedTicket[] {
  return reads.map(({ ref }, n) => {
    const head = held[n];
    const behind = found.behind.get(n);
    if (head === undefined || behind === undefined) throw new Error(`${refKey(ref)} is not locked`);
    const { forgottenLinks, ...more } = behind;
    const mirrors = found.mirrors.filter((mirror) => joins(mirror, ref));
    // A ticket without a mirror may be one that we opened on any of the instance's links.
    const isForgotten = mirrors.length === 0 || mirrors.some(({ link }) => forgottenLinks.includes(link));
    return { ...head, ...more, mirrors, mayBeForgotten: more.mayBeForgotten && isForgotten };
  });
}

/**
 * A read begins at the ticket's newest action, however old that is; writes and echoes from around that time may still
 * appear.
 */
const newest = sql`least(now(), coalesce(t.cursor, now()))`;
const echoesKept = 50;

function idsOf({ delivery, step }: Pick<WriteView, 'delivery' | 'step'>, echoes: readonly Echo[]): string[] {
  return echoes.filter((echo) => echo.delivery === delivery && echo.step === step).map(({ id }) => id);
}

async function readBehind(
  tx: Tx,
  reads: readonly TicketRead[],
): Promise<{ mirrors: Mirror[]; behind: Map<number, Behind> }> {
  const found = await rows<BehindRow>(
    tx,
    sql`with asked as materialized (select * from ${asked(reads)}), theirs as materialized (
        select distinct m.id from asked cross join lateral (
          select id from mirrors
          where first_instance = asked.instance and first_entity = asked.entity and first_ticket = asked.ticket
          union all
          select id from mirrors
          where second_instance = asked.instance and second_entity = asked.entity and second_ticket = asked.ticket
        ) m order by m.id
      ), locked as materialized (
        select locked.* from theirs cross join lateral (
          select ${mirrorColumns} from ${mirrorFrom} where m.id = theirs.id and ${mattering} for update of m
        ) locked
      ), lanes_locked as materialized (
        select count(*) from locked cross join lateral (
          select l.mirror from lanes l where l.mirror = locked.id order by l.to_instance for update
        ) l
      ), here as materialized (
        select those.instance, those.entity, (select json_agg(o) from (${openingsQuery(sql`those.instance`)}) o) as openings,
          exists (select 1 from writes w where w.instance = those.instance and w.entity = those.entity and w.ticket is null and w.state = 'open') as creating,
          ${mayAnyBeForgotten} as forgotten
        from (select distinct instance, entity from asked) those
      )
      select (asked.n - 1)::int as n,
        case when asked.n = 1 and (select true from lanes_locked) then (select json_agg(locked order by locked.id) from locked) end as mirrors,
        (select json_object_agg(seen.id, json_build_object('as', seen."as", 'made', seen.made, 'dated', seen.dated, 'by', seen.by, 'note', seen.note, 'edited', seen.edited)) from (
          select external_id as id, 'action' as "as", made_at as made, at as dated, author->>'name' as by, note, edited_at is not null as edited from actions
            where instance = asked.instance and entity = asked.entity and ticket = asked.ticket and external_id = any(asked.ids::text[])
          union all
          select external_id, "as", made_at, at, null, null, false from written_ids
            where instance = asked.instance and entity = asked.entity and ticket = asked.ticket and external_id = any(asked.ids::text[])
        ) seen) as known,
        (select json_agg(json_build_object('delivery', w.delivery, 'step', w.step, 'marker', w.marker, 'fingerprints', w.fingerprints,
            'state', w.state, 'actionIds', coalesce(w.written->'actionIds', '[]'::jsonb), 'promisedAt', w.promised_at,
            'deadline', w.deadline) order by w.promised_at)
          from writes w
          where w.instance = asked.instance and w.entity = asked.entity and w.ticket = asked.ticket
            and (w.state in ('open', 'made') or w.promised_at > ${newest} - interval '5 minutes')) as writes,
        (select json_agg(json_build_object('id', e.external_id, 'at', e.at, 'delivery', e.delivery, 'step', e.step) order by e.at desc)
          from (
            select external_id, at, delivery, step from written_ids
            where instance = asked.instance and entity = asked.entity and ticket = asked.ticket and "as" = 'echo' and delivery is not null
              and at > ${newest} - interval '5 minutes'
            order by at desc limit ${echoesKept}
          ) e) as echoes,
        here.openings, here.creating, here.forgotten
      from asked join here on here.instance = asked.instance and here.entity = asked.entity
      left join tickets t on t.instance = asked.instance and t.entity = asked.entity and t.external_id = asked.ticket`,
  );
  const behind = new Map<number, Behind>();
  let mirrors: Mirror[] = [];
  for (const { mirrors: all } of found) mirrors = all?.map(mirrorOf) ?? mirrors;
  const instances = [...new Set(reads.map(({ ref }) => ref.instance))];
  const forgotten = found.some((row) => row.forgotten)
    ? await forgottenAt(
        tx,
        instances,
        mirrors.map(({ link }) => link),
      )
    : null;
  for (const { n, known, writes, echoes, openings, creating } of found) {
    const here = forgotten?.get(reads[n]?.ref.instance ?? '');
    behind.set(n, {
      known: new Map(Object.entries(known ?? {}).map(([id, one]) => [id, one.as])),
      identities: new Map(Object.entries(known ?? {})),
      writes: (writes ?? []).map((write) => ({ ...write, seenAs: idsOf(write, echoes ?? []) })),
      echoes: echoes ?? [],
      openings: openings ?? [],
      creating,
      mayBeForgotten: here?.any ?? false,
      forgottenLinks: here?.links ?? [],
    });
  }
  return { mirrors, behind };
}
