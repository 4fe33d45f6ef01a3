/**
 * After one of two gateways was restored from a backup: compares the lanes of a link here with the peer's, and repairs
 * those that differ.
 */
import { sql } from 'drizzle-orm';
import type { Ref } from '#core/words/vocabulary.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { typeIsRemote } from '#db/base/reach.ts';
import { settleLane } from '#db/carry/lanes.ts';

export type OwnLane = {
  readonly mirror: string;
  /** The mirror's name on the link, if it is another one. */
  readonly said?: string | null;
  readonly to: string;
  /** The ticket of our side, as people call it. */
  readonly ticket: string;
  /** The highest seq that the peer has acknowledged. */
  readonly acked: number;
  /** The highest seq assigned here. */
  readonly last: number;
};

/** Lists the lanes of a link towards the other side. */
export async function lanesTo(db: Db, link: string, to: string): Promise<OwnLane[]> {
  return rows<OwnLane>(
    db,
    sql`select l.mirror, m.said_id as said, l.to_instance as to, l.acked_seq::float8 as acked, l.last_seq::float8 as last,
        case when m.second_instance = ${to} then coalesce(m.first_number, m.first_ticket)
          else coalesce(m.second_number, m.second_ticket, '?') end as ticket
      from lanes l join mirrors m on m.id = l.mirror
      where l.link = ${link} and l.to_instance = ${to} order by l.mirror`,
  );
}

export type LaneDifference =
  /** The peer has lost what it had: it is sent again. */
  | {
      readonly kind: 'lost-there';
      readonly lane: OwnLane;
      readonly accepted: number;
      /** It has lost the whole mirror. */
      readonly whole: boolean;
    }
  /** The peer has more than we remember sending: we were restored. */
  | { readonly kind: 'lost-here'; readonly lane: OwnLane; readonly accepted: number }
  /** A mirror that only the peer knows. */
  | { readonly kind: 'unknown-here'; readonly mirror: string; readonly accepted: number };

/** @param accepted highest seq of each lane that the peer has, by mirror */
export function compareLanes(lanes: readonly OwnLane[], accepted: ReadonlyMap<string, number>): LaneDifference[] {
  const own = new Set(lanes.map(({ mirror, said }) => said ?? mirror));
  return [
    ...lanes.flatMap((lane): LaneDifference[] => {
      const name = lane.said ?? lane.mirror;
      const there = accepted.get(name) ?? 0;
      if (there < lane.acked) return [{ kind: 'lost-there', lane, accepted: there, whole: !accepted.has(name) }];
      return there > lane.acked ? [{ kind: 'lost-here', lane, accepted: there }] : [];
    }),
    ...[...accepted].flatMap(([mirror, there]): LaneDifference[] =>
      own.has(mirror) ? [] : [{ kind: 'unknown-here', mirror, accepted: there }],
    ),
  ];
}

/**
 * Queues again what the peer had acknowledged and lost. Contents that have been deleted since can't be sent. Returns
 * how many were queued.
 */
export async function requeueAbove(
  tx: Tx,
  { mirror, to }: Pick<OwnLane, 'mirror' | 'to'>,
  accepted: number,
): Promise<number> {
  await lockLane(tx, mirror);
  const again = await rows(
    tx,
    sql`update deliveries d set accepted_at = null, outcome = null, ended_at = null, reason = null, far = null, asked_at = null
      where d.mirror = ${mirror} and d.to_instance = ${to} and d.seq > ${accepted} and d.accepted_at is not null
        and exists (select 1 from actions a where a.id = d.action and (d.kind = 'receipt' or a.words is not null))
      returning d.id`,
  );
  await tx.execute(
    sql`update lanes set sent_seq = least(sent_seq, ${accepted}), acked_seq = ${accepted}
      where mirror = ${mirror} and to_instance = ${to}`,
  );
  await tx.execute(settleLane(mirror, to));
  return again.length;
}

/** Restarts the peer's lane to us at seq 1: the peer has lost a whole mirror and opens it again. */
export async function forgetReceived(tx: Tx, { mirror, to }: Pick<OwnLane, 'mirror' | 'to'>): Promise<void> {
  await lockLane(tx, mirror);
  await tx.execute(sql`update lanes set accepted_seq = 0 where mirror = ${mirror} and to_instance <> ${to}`);
}

/**
 * Moves waiting deliveries to seqs above the peer's, which has more of the lane than we remember. Those that the peer
 * already has were read again from the same ticket, and the peer recognises them. Returns how many wait.
 */
export async function continueAbove(
  tx: Tx,
  { mirror, to }: Pick<OwnLane, 'mirror' | 'to'>,
  accepted: number,
): Promise<number> {
  await lockLane(tx, mirror);
  const waiting = await rows(
    tx,
    sql`update deliveries d set seq = above.seq
      from (select w.id, greatest(l.last_seq, ${accepted}::bigint) + row_number() over (order by w.seq) as seq
        from deliveries w join lanes l on l.mirror = w.mirror and l.to_instance = w.to_instance
        where w.mirror = ${mirror} and w.to_instance = ${to} and w.outcome is null and w.accepted_at is null) above
      where d.id = above.id returning d.id`,
  );
  await tx.execute(
    sql`update lanes set sent_seq = greatest(sent_seq, ${accepted}), acked_seq = greatest(acked_seq, ${accepted}),
        last_seq = greatest(last_seq, ${accepted}) + ${waiting.length}
      where mirror = ${mirror} and to_instance = ${to}`,
  );
  await tx.execute(settleLane(mirror, to));
  return waiting.length;
}

/**
 * Makes actions of a ticket that went nowhere while its mirror was lost be read again, now that the mirror is back.
 * Called under the ticket's lock.
 */
export async function forgetUncarried(tx: Tx, { instance, entity, externalId }: Ref): Promise<void> {
  await tx.execute(
    sql`delete from actions a where instance = ${instance} and entity = ${entity} and ticket = ${externalId}
      and not exists (select 1 from deliveries d where d.action = a.id)`,
  );
  await tx.execute(
    sql`update tickets set floor = null, high = null, high_since = null, mark = null, cursor = null
      where instance = ${instance} and entity = ${entity} and external_id = ${externalId}`,
  );
}

export type LookedFor = {
  readonly deliveries: number;
  /** Where it would be written, as people call the ticket: `acme 1001`; the first ones, in order. */
  readonly tickets: readonly string[];
};

/** Counts what waits for our desks on a link: after a quarantine it is looked for there before it is written. */
export async function lookedFor(db: Db, link: string, most: number): Promise<LookedFor> {
  const found = await rows<{ ticket: string; deliveries: number }>(
    db,
    sql`select d.to_instance || ' ' || case when d.to_instance = m.second_instance
          then coalesce(m.second_number, m.second_ticket, '(new, for ' || coalesce(m.first_number, m.first_ticket) || ')')
          else coalesce(m.first_number, m.first_ticket) end as ticket, count(*)::int as deliveries
      from mirrors m join deliveries d on d.mirror = m.id and d.outcome is null and d.accepted_at is null
        join instances i on i.id = d.to_instance and not ${typeIsRemote('i.type')}
      where m.link = ${link} group by 1 order by 1`,
  );
  return {
    deliveries: found.reduce((sum, one) => sum + one.deliveries, 0),
    tickets: found.slice(0, most).map(({ ticket }) => ticket),
  };
}

async function lockLane(tx: Tx, mirror: string): Promise<void> {
  await tx.execute(sql`select id from mirrors where id = ${mirror} for update`);
  await tx.execute(sql`select mirror from lanes where mirror = ${mirror} order by to_instance for update`);
}
