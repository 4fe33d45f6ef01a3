/** Stores the entries that an API client can read, once for each delivery. */
import { sql } from 'drizzle-orm';
import type { WireAction, WireReceipt } from '#core/wire.ts';
import { rows, type Db } from '#db/base/client.ts';
import { content, contentJson } from '#db/base/content.ts';
import { contextOf, contextQuery, type DeliveryContext, type HeadRow } from '#db/carry/delivery-context.ts';
import type { LaneKey } from '#db/carry/lanes.ts';

/** Returns the waiting deliveries of a lane that are not yet offered; null if another drain owns the courier. */
export async function unoffered(
  db: Db,
  lane: LaneKey,
  epoch: number,
  most: number,
): Promise<{
  readonly sentSeq: number;
  readonly lastSeq: number;
  readonly contexts: readonly DeliveryContext[];
} | null> {
  const waiting = contextQuery(sql`select w.* from deliveries w
    where w.mirror = l.mirror and w.to_instance = l.to_instance and w.outcome is null and w.accepted_at is null
      and w.set_aside_at is null and not exists (select 1 from offers o where o.delivery = w.id)
    order by w.seq limit ${sql.raw(String(most))}`);
  const found = await rows<Partial<HeadRow> & { sent_seq: number; last_seq: number }>(
    db,
    sql`select l.sent_seq::float8 as sent_seq, l.last_seq::float8 as last_seq, head.*
      from lanes l join couriers c on c.instance = l.to_instance and c.epoch = ${epoch}
      left join lateral (${waiting}) head on true
      where l.mirror = ${lane.mirror} and l.to_instance = ${lane.to}`,
  );
  const [first] = found;
  if (first === undefined) return null;
  const contexts = found.flatMap(({ sent_seq: _sent, last_seq: _last, ...head }) =>
    head.delivery == null ? [] : [contextOf(head as HeadRow)],
  );
  return {
    sentSeq: first.sent_seq,
    lastSeq: first.last_seq,
    contexts: contexts.toSorted((a, b) => a.delivery.seq - b.delivery.seq),
  };
}

export type NewOffer = {
  readonly delivery: string;
  readonly seq: number;
  readonly hash: string | null;
  readonly action: WireAction | null;
  readonly receipt: WireReceipt | null;
};

/**
 * Stores entries in the transaction that readers wait for: positions are assigned before they are committed. Returns
 * false and offers nothing if another drain owns the courier.
 */
export async function putOffers(
  db: Db,
  link: string,
  lane: LaneKey,
  epoch: number,
  offers: readonly NewOffer[],
): Promise<boolean> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock_shared(hashtextextended(${`offers/${link}`}, 0))`);
    // Lanes before deliveries, as when a delivery ends.
    await tx.execute(sql`select mirror from lanes where mirror = ${lane.mirror} order by to_instance for update`);
    const mine = await rows(tx, sql`select instance from couriers where instance = ${lane.to} and epoch = ${epoch}`);
    if (mine.length === 0) return false;
    await tx.execute(
      sql`with input as materialized (
          select * from jsonb_to_recordset(${contentJson(offers.map(sealable))}::jsonb)
            as x (delivery uuid, seq bigint, hash text, action jsonb, receipt jsonb)
        ), waiting as (
          update deliveries d set sent_hash = coalesce(input.hash, d.sent_hash) from input
          where d.id = any(array(select delivery from input)) and d.id = input.delivery and d.outcome is null and d.accepted_at is null returning d.id
        )
        insert into offers (link, mirror, delivery, action, receipt)
        select ${link}, ${lane.mirror}, input.delivery, nullif(input.action, 'null'::jsonb), nullif(input.receipt, 'null'::jsonb)
        from input join waiting on waiting.id = input.delivery order by input.seq
        on conflict (delivery) do nothing`,
    );
    const last = Math.max(...offers.map(({ seq }) => seq));
    await tx.execute(
      sql`update lanes set sent_seq = greatest(sent_seq, ${last}::bigint) where mirror = ${lane.mirror} and to_instance = ${lane.to}`,
    );
    return true;
  });
}

function sealable({ action, receipt, ...offer }: NewOffer): object {
  return { ...offer, action: content('offered-action', action), receipt: content('offered-receipt', receipt) };
}

/** Rests a lane whose deliveries are all offered; the next delivery makes it due again. */
export async function restOffered(db: Db, lane: LaneKey, epoch: number, lastSeq: number): Promise<void> {
  await db.execute(
    sql`update lanes l set due_at = null
      where l.mirror = ${lane.mirror} and l.to_instance = ${lane.to} and l.last_seq = ${lastSeq}::bigint and l.due_at < 'infinity'
        and exists (select 1 from couriers where instance = ${lane.to} and epoch = ${epoch})`,
  );
}
