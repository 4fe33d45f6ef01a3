/** Manual operations on waiting deliveries: retry now, release, skip, resume. The caller audits them. */
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import { rows } from '#db/base/client.ts';
import type { Db, Tx } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { settleLane } from '#db/carry/lanes.ts';
import { tryCopies } from '#db/carry/try-copies.ts';
import { clearNotices } from '#db/base/notices.ts';
import { tellRemote } from '#db/log/receipts.ts';

/**
 * Retries everything that waits for this instance at once. Returns how many lanes wait; null if there is no such
 * instance.
 */
export async function retryInstance(tx: Tx, instance: string): Promise<number | null> {
  const found = await rows(
    tx,
    sql`update couriers set retry_at = null, failures = 0 where instance = ${instance} returning instance`,
  );
  if (found.length === 0) return null;
  await tx.execute(sql`update feeds set next_poll_at = now(), failures = 0 where instance = ${instance}`);
  // Lanes before deliveries, in the order in which a transaction that logs many tickets locks them.
  await tx.execute(
    sql`select mirror from lanes where to_instance = ${instance} and due_at is not null and due_at < 'infinity'
      order by mirror for update`,
  );
  // If a held delivery is at the head of its lane, the lane is waiting for it.
  await tx.execute(
    sql`update deliveries d set held_at = null, first_tried_at = null, released_at = now()
      from lanes l
      where l.to_instance = ${instance} and l.due_at is not null and l.due_at < 'infinity'
        and d.mirror = l.mirror and d.to_instance = l.to_instance and d.seq = l.head_seq
        and d.outcome is null and d.held_at is not null and d.set_aside_at is null`,
  );
  const lanes = await rows(
    tx,
    sql`update lanes set due_at = least(due_at, now())
      where to_instance = ${instance} and due_at is not null and due_at < 'infinity' returning mirror`,
  );
  return lanes.length;
}

export type Operated =
  | {
      readonly done: true;
      readonly to: string;
      readonly before: { readonly held: boolean; readonly reason: Reason | null };
    }
  | { readonly done: false; readonly why: 'unknown' | 'ended' | 'not-held' };

/** Releases a held or set-aside delivery; what it writes will say when it was written. */
export async function releaseDelivery(tx: Tx, id: string): Promise<Operated> {
  const delivery = await lockDelivery(tx, id);
  if (delivery === null) return { done: false, why: 'unknown' };
  if (delivery.outcome !== null) return { done: false, why: 'ended' };
  if (!delivery.held) return { done: false, why: 'not-held' };
  await tx.execute(
    sql`update deliveries
      set released_at = now(), held_at = null, set_aside_at = null, first_tried_at = null
      where id = ${id}`,
  );
  await tx.execute(settleLane(delivery.mirror, delivery.to));
  return { done: true, to: delivery.to, before: { held: delivery.held, reason: delivery.reason } };
}

/** Ends a delivery as skipped because nobody wants it any more. */
export async function skipDelivery(tx: Tx, id: string): Promise<Operated> {
  const delivery = await lockDelivery(tx, id);
  if (delivery === null) return { done: false, why: 'unknown' };
  if (delivery.outcome !== null) return { done: false, why: 'ended' };
  const why = reason('dropped');
  await end(tx, sql`id = ${id}`, why);
  await tellRemote(tx, id, 'skipped', why);
  // A write that may have been made will still be recognised, and no longer blocks others on the ticket.
  await tx.execute(
    sql`update writes set state = 'settled', settled_at = now()
      where delivery = ${id} and state in ('open', 'made')`,
  );
  if (delivery.opens) {
    await tx.execute(sql`update mirrors set state = 'refused' where id = ${delivery.mirror} and state = 'opening'`);
    await end(
      tx,
      sql`mirror = ${delivery.mirror} and to_instance = ${delivery.to} and outcome is null`,
      reason('not-opened', { desk: delivery.to }),
    );
  }
  await tx.execute(settleLane(delivery.mirror, delivery.to));
  if (delivery.kind === 'action') {
    const { action, mirror, to, desk } = delivery;
    await tryCopies(tx, { delivery: id, action, mirror, to, desk, outcome: 'skipped', reason: why, byHand: true });
  }
  return { done: true, to: delivery.to, before: { held: delivery.held, reason: delivery.reason } };
}

export type ResumedMirror = {
  /** Why it was paused. */
  readonly reason: string | null;
  /** Instances to wake. */
  readonly wake: readonly string[];
};

/** Resumes a paused mirror. Returns null if there is no such mirror, or it is not paused. */
export async function resumeMirror(tx: Tx, id: string): Promise<ResumedMirror | null> {
  const [mirror] = await rows<{ link: string; reason: string | null }>(
    tx,
    sql`update mirrors m set paused_at = null, pause_reason = null, turns = '[]'::jsonb
      from (select id, pause_reason from mirrors where id = ${id} for update) before
      where m.id = before.id and m.paused_at is not null
      returning m.link, before.pause_reason as reason`,
  );
  if (mirror === undefined) return null;
  const lanes = await rows<{ to: string }>(
    tx,
    sql`select to_instance as to from lanes where mirror = ${id} order by to_instance for update`,
  );
  for (const { to } of lanes) await tx.execute(settleLane(id, to));
  await clearNotices(tx, mirror.link, `${mirror.reason ?? 'ping-pong'}/${id}`);
  return { reason: mirror.reason, wake: lanes.map(({ to }) => to) };
}

/** Returns the link of a delivery; null if there is no such delivery. */
export async function linkOfDelivery(db: Db, id: string): Promise<string | null> {
  const [row] = await rows<{ link: string }>(
    db,
    sql`select m.link from deliveries d join mirrors m on m.id = d.mirror where d.id = ${id}`,
  );
  return row?.link ?? null;
}

/** Returns the link of a mirror; null if there is no such mirror. */
export async function linkOfMirror(db: Db, id: string): Promise<string | null> {
  const [row] = await rows<{ link: string }>(db, sql`select link from mirrors where id = ${id}`);
  return row?.link ?? null;
}

type LockedDelivery = {
  readonly kind: 'action' | 'receipt' | 'copy';
  readonly action: string;
  /** Display name of the instance that it travels to. */
  readonly desk: string;
  readonly mirror: string;
  readonly to: string;
  readonly outcome: string | null;
  readonly held: boolean;
  readonly reason: Reason | null;
  readonly opens: boolean;
};

/** Locks a delivery after its mirror and lanes, in the usual order. */
export async function lockDelivery(tx: Tx, id: string): Promise<LockedDelivery | null> {
  const [place] = await rows<{ mirror: string }>(tx, sql`select mirror from deliveries where id = ${id}`);
  if (place === undefined) return null;
  await tx.execute(sql`select id from mirrors where id = ${place.mirror} for update`);
  await tx.execute(sql`select mirror from lanes where mirror = ${place.mirror} order by to_instance for update`);
  const [delivery] = await rows<LockedDelivery>(
    tx,
    sql`select kind, action, (select name from instances i where i.id = deliveries.to_instance) as desk,
        mirror, to_instance as to, outcome, reason, held_at is not null or set_aside_at is not null as held,
        escalation and kind = 'action' and action = (select coalesce(opened_by, m.id) from mirrors m where m.id = deliveries.mirror) as opens
      from deliveries where id = ${id} for update`,
  );
  return delivery ?? null;
}

async function end(tx: Tx, which: ReturnType<typeof sql>, why: Reason): Promise<void> {
  await tx.execute(
    sql`update deliveries set outcome = 'skipped', reason = ${content('reason', why)}::jsonb, ended_at = now()
      where ${which} and outcome is null`,
  );
}
