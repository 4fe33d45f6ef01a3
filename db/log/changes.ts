/**
 * The changes of one ticket that the log knows: those made at its desk, and those that arrived on its mirrors. Who set
 * a status, and which of two changes is newer, is decided from these and not from what one reading happens to show.
 */
import { sql } from 'drizzle-orm';
import { changesAnything, countsAs } from '#core/conversation/meet.ts';
import type { Changed, Person, Ref, SendTo } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { uuidArray } from '#db/base/text-array.ts';

export type KnownChange = {
  /** Its id at the ticket's desk; null if it arrived on a mirror. */
  readonly externalId: string | null;
  /** The delivery that brought it; null if it was made here. */
  readonly came: {
    readonly delivery: string;
    readonly mirror: string;
    /** Its position in the lane. */
    readonly seq: number;
    readonly ended: boolean;
  } | null;
  /** Instant, as its origin signed it. */
  readonly at: string;
  readonly author: Person | null;
  readonly kind: string | null;
  readonly sendTo: SendTo | null;
  /** In the words of the ticket's desk. */
  readonly changed: Changed;
  /** The mirrors on which it leaves. */
  readonly leaves: readonly Leaving[];
};

/** `arrived`: it is there, or something newer is. */
export type Leaving = {
  readonly mirror: string;
  readonly state: 'under-way' | 'arrived' | 'stayed';
  /** Instant, or null. */
  readonly endedAt: string | null;
};

export type KnownChanges = {
  /** Instant, by the database's clock. */
  readonly now: string;
  readonly changes: readonly KnownChange[];
};

type Row = Omit<KnownChange, 'came' | 'changed' | 'leaves'> & {
  readonly came: KnownChange['came'];
  readonly takenIn: string;
  readonly changed: Changed | null;
  readonly leaves: KnownChange['leaves'] | null;
};

/** The newest of each type; older ones have been resolved long ago. */
const most = 200;

/** A note keeps the time of its own desk's clock, uncorrected, so it must not date a change. */
const changesWords = sql`(a.words ?| array['status', 'category', 'priority', 'summary'] or a.words->'fields' <> '{}'::jsonb)`;

/** @param mirrors of the ticket, for changes that arrived on them and were already set */
export async function knownChanges(
  db: Db,
  { instance, entity, externalId: ticket }: Ref,
  mirrors: readonly string[],
): Promise<KnownChanges> {
  const leaves = sql`(select jsonb_agg(jsonb_build_object('mirror', l.mirror, 'endedAt', l.ended_at, 'state', case
        when l.outcome is null then 'under-way'
        when l.outcome = 'applied' or l.reason->>'code' in ('no-op', 'overtaken', 'already-there') then 'arrived'
        else 'stayed' end))
      from deliveries l where l.action = a.id and l.kind in ('action', 'copy') and l.to_instance <> ${instance})`;
  const [row] = await rows<{ now: string; changes: Row[] | null }>(
    db,
    sql`with made as (
        select a.external_id as "externalId", null::jsonb as came, a.at, a.logged_at as "takenIn", a.author,
          a.words->>'kind' as kind, a.send_to as "sendTo", a.words as changed, ${leaves} as leaves
        from actions a
        where a.instance = ${instance} and a.entity = ${entity} and a.ticket = ${ticket}
          and ${changesWords}
        order by a.at desc limit ${most}
      ), written as (
        select null::text as "externalId", jsonb_build_object('delivery', d.id, 'mirror', d.mirror, 'seq', d.seq, 'ended', d.outcome is not null) as came,
          a.at, a.logged_at as "takenIn", a.author, null::text as kind, null::text as "sendTo",
          coalesce(w.plan->'meant'->'all', (w.plan->'command') - 'note' - 'attachments') as changed, ${leaves} as leaves
        from writes w join deliveries d on d.id = w.delivery and d.kind = 'action' join actions a on a.id = d.action
        where w.instance = ${instance} and w.entity = ${entity} and w.ticket = ${ticket} and w.step = 0 and w.plan is not null
        order by w.promised_at desc limit ${most}
      ), so_already as (
        select null::text as "externalId", jsonb_build_object('delivery', d.id, 'mirror', d.mirror, 'seq', d.seq, 'ended', true) as came,
          a.at, a.logged_at as "takenIn", a.author, null::text as kind, null::text as "sendTo", null::jsonb as changed, null::jsonb as leaves
        from deliveries d join actions a on a.id = d.action
        where d.mirror = any(${uuidArray(mirrors)}) and d.to_instance = ${instance} and d.kind = 'action'
          and d.outcome = 'skipped' and d.reason->>'code' = 'no-op' and ${changesWords}
        order by d.seq desc limit ${most}
      )
      select to_json(clock_timestamp())#>>'{}' as now, (select json_agg(all_of_them) from (
        select * from made union all select * from written union all select * from so_already
      ) all_of_them) as changes`,
  );
  const changes = (row?.changes ?? []).flatMap(({ takenIn, changed, leaves: on, ...change }): KnownChange[] => {
    // A change that was already set left nothing to write, but a later change of it is newer.
    if (changed !== null && !changesAnything(changed)) return [];
    const at = countsAs(change.at, takenIn);
    return [{ ...change, at, changed: { ...changed, fields: changed?.fields ?? {} }, leaves: on ?? [] }];
  });
  return { now: row?.now ?? new Date().toISOString(), changes };
}
