/**
 * Hands deliveries over to another gateway: the deliveries at a lane's head, what was promised to the peer before
 * sending, and what the peer answered. A promise to a peer is what a write is to a helpdesk: it is stored whatever
 * happens in between, so that a second attempt sends the same.
 */
import type { LanePlace } from '#db/carry/lanes.ts';
import { sql } from 'drizzle-orm';
import type { Outcome, Reason } from '#core/words/vocabulary.ts';
import type { WireAction } from '#core/wire.ts';
import { rows, type Db } from '#db/base/client.ts';
import { content, contentJson } from '#db/base/content.ts';
import { contextOf, headQuery, type DeliveryContext, type HeadRow } from '#db/carry/delivery-context.ts';
import { iso } from '#db/base/iso.ts';
import type { LaneKey } from '#db/carry/lanes.ts';
import type { Versions } from '#db/carry/writes.ts';
import { uuidArray } from '#db/base/text-array.ts';

/** Returns the first waiting deliveries of the lane; null if another drain owns the courier. */
export async function runAtHead(
  db: Db,
  lane: LaneKey,
  epoch: number,
  most: number,
): Promise<{ readonly place: LanePlace; readonly contexts: readonly DeliveryContext[] } | null> {
  const found = await rows<Partial<HeadRow> & { sent_seq: number; acked_seq: number; last_seq: number }>(
    db,
    sql`select l.sent_seq::float8 as sent_seq, l.acked_seq::float8 as acked_seq, l.last_seq::float8 as last_seq, head.*
      from lanes l join couriers c on c.instance = l.to_instance and c.epoch = ${epoch}
      left join lateral (${headQuery(sql`l.mirror`, sql`l.to_instance`, most)}) head on true
      where l.mirror = ${lane.mirror} and l.to_instance = ${lane.to}`,
  );
  const [first] = found;
  if (first === undefined) return null;
  const contexts = found.flatMap(({ sent_seq: _sent, acked_seq: _acked, last_seq: _last, ...head }) =>
    head.delivery == null ? [] : [contextOf(head as HeadRow)],
  );
  return {
    place: { sentSeq: first.sent_seq, ackedSeq: first.acked_seq, lastSeq: first.last_seq },
    contexts: contexts.toSorted((a, b) => a.delivery.seq - b.delivery.seq),
  };
}

export type Send = {
  readonly id: string;
  /**
   * What to store, so that a second attempt sends the same; absent if it is stored already, or is read from the log
   * each time.
   */
  readonly said?: { readonly action: WireAction; readonly hash: string };
};

/** Commits what is about to be sent. Returns the deliveries that still wait; null if another drain owns the courier. */
export async function promiseSends(
  db: Db,
  { instance, epoch, sends }: { readonly instance: string; readonly epoch: number; readonly sends: readonly Send[] },
): Promise<ReadonlySet<string> | null> {
  const found = await rows<{ id: string | null }>(
    db,
    sql`with p as materialized (
        select id, said->>'hash' as hash, said->'action' as action
        from jsonb_to_recordset(${contentJson(sends.map(sealable))}::jsonb) as sends (id uuid, said jsonb)
      ), promised as (
        update deliveries d set sent = p.action, sent_hash = p.hash from p, couriers c
        where d.id = any(array(select id from p)) and d.id = p.id and p.hash is not null and d.outcome is null and d.accepted_at is null and c.instance = ${instance} and c.epoch = ${epoch}
        returning d.id
      ), still as (
        select id from promised
        union all
        select d.id from deliveries d join p on p.id = d.id and p.hash is null
        where d.id = any(array(select id from p)) and d.outcome is null and d.accepted_at is null
      )
      select still.id from couriers c left join still on true where c.instance = ${instance} and c.epoch = ${epoch}`,
  );
  if (found.length === 0) return null;
  return new Set(found.flatMap(({ id }) => (id === null ? [] : [id])));
}

function sealable({ id, said }: Send): object {
  return { id, ...(said === undefined ? {} : { said: { hash: said.hash, action: content('sent', said.action) } }) };
}

export type Answered = {
  /** Deliveries that the peer now has. */
  readonly taken: readonly { readonly id: string; readonly seq: number }[];
  /** The highest seq of the lane that it has. */
  readonly accepted: number;
  readonly durationMs: number;
  readonly versions: Versions;
};

/**
 * Takes acknowledged deliveries off the lane: an action is accepted and its outcome will arrive as a receipt; a receipt
 * has ended. Returns true if something still waits on the lane.
 */
export async function storeAnswer(db: Db, lane: LaneKey, answer: Answered): Promise<boolean> {
  const ids = uuidArray(answer.taken.map(({ id }) => id));
  const highest = Math.min(
    answer.taken.reduce((most, { seq }) => Math.max(most, seq), 0),
    answer.accepted,
  );
  const versions = JSON.stringify(answer.versions);
  const [row] = await rows<{ waiting: number | null }>(
    db,
    sql`with taken as (
        -- The receipt may have arrived before this.
        update deliveries set accepted_at = coalesce(accepted_at, clock_timestamp()), sent = null, attempts = attempts + 1,
          first_tried_at = coalesce(first_tried_at, now()), reason = case when outcome is null then null else reason end,
          outcome = case when kind = 'receipt' then coalesce(outcome, 'applied') else outcome end,
          ended_at = case when kind = 'receipt' then coalesce(ended_at, clock_timestamp()) else ended_at end
        where id = any(${ids}) returning id, kind
      ), attempt as (
        insert into attempts (delivery, duration_ms, result, reason, versions)
        select id, ${Math.round(answer.durationMs)}::int, case when kind = 'receipt' then 'applied' else 'accepted' end, null, ${versions}::jsonb
        from taken
      ), waiting as (
        select min(seq) as seq from deliveries
        where mirror = ${lane.mirror} and to_instance = ${lane.to} and outcome is null and accepted_at is null
          and set_aside_at is null and id <> all(${ids})
      ), lane as (
        update lanes l set sent_seq = greatest(l.sent_seq, ${highest}::bigint), acked_seq = greatest(l.acked_seq, ${answer.accepted}::bigint),
          head_seq = coalesce(waiting.seq, seen.last_seq + 1),
          -- A concurrent change of the lane has added a delivery that was not counted.
          due_at = case when waiting.seq is null and l.last_seq = seen.last_seq then null else now() end
        from waiting, lanes seen
        where l.mirror = ${lane.mirror} and l.to_instance = ${lane.to} and seen.mirror = l.mirror and seen.to_instance = l.to_instance
        returning case when l.due_at is null then null else 1 end as waiting
      )
      select waiting from lane`,
  );
  return row?.waiting != null;
}

export type ReceiptFacts = {
  readonly outcome: Outcome;
  readonly reason: Reason | null;
  readonly drops: readonly Reason[];
  readonly acceptedAt: string;
  readonly endedAt: string;
  readonly attempts: number;
};

/**
 * Returns the results here of the actions that these receipts report on, by the receipt's id; actions that have not
 * ended are left out.
 */
export async function receiptFacts(db: Db, receipts: readonly string[]): Promise<ReadonlyMap<string, ReceiptFacts>> {
  const found = await rows<ReceiptFacts & { id: string }>(
    db,
    sql`select r.id, o.outcome, o.reason, coalesce(o.drops, '[]'::jsonb) as drops, ${iso('o.created_at')} as "acceptedAt",
        ${iso('o.ended_at')} as "endedAt", o.attempts
      from deliveries r
      join deliveries o on o.action = r.action and o.mirror = r.mirror and o.to_instance <> r.to_instance
        and o.kind in ('action', 'copy') and o.outcome is not null
      where r.id = any(${uuidArray(receipts)})`,
  );
  return new Map(found.map(({ id, ...facts }) => [id, facts]));
}
