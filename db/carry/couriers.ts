/** Couriers' leases and epochs. The lease only saves wakes; the epoch determines ownership. */
import { sql } from 'drizzle-orm';
import type { InstanceState, Reason } from '#core/words/vocabulary.ts';
import { rows, type Client, type Db } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { textArray } from '#db/base/text-array.ts';

/** Called after a commit with the instances that have something due; never awaited, and never throws. */
export type Wake = (instances: readonly string[]) => void;

export const laneChannel = 'ferry_lane';
/** Seconds a lease lasts; a drain renews it well before it ends, and leaves if it could not. */
export const leaseSeconds = 5;
/** A woken courier must begin within this many seconds, or the sweeper does its work. */
const startSeconds = 3;

/** Rings the bells of all listeners. A statement of its own, after the commit that it announces. */
export async function notifyLanes(db: Db, instances: readonly string[]): Promise<void> {
  await db.execute(
    sql`select pg_notify(${laneChannel}, instance) from unnest(${textArray(instances)}) as woken(instance)`,
  );
}

/** Takes the lease of each instance that nobody holds; the caller must wake the returned instances. */
export async function takeLeases(db: Db, instances: readonly string[]): Promise<string[]> {
  const won = await rows<{ instance: string }>(
    db,
    sql`update couriers set lease_until = now() + make_interval(secs => ${startSeconds}), woken_epoch = epoch
      where instance = any(${textArray(instances)}) and lease_until < now() and (retry_at is null or retry_at <= now())
      returning instance`,
  );
  return won.map((row) => row.instance);
}

export type DueLease = {
  readonly instance: string;
  /** It has been woken since its last drain began, but none has begun since. */
  readonly again: boolean;
};

/** Takes the leases of instances that have something due and no running courier. */
export async function takeDueLeases(db: Db, limit: number): Promise<DueLease[]> {
  return rows<DueLease>(
    db,
    sql`with was as materialized (
        select c.instance, c.woken_epoch, c.epoch from couriers c
        where c.lease_until < now() and (c.retry_at is null or c.retry_at <= now())
          and exists (select 1 from lanes l where l.to_instance = c.instance and l.due_at <= now())
        limit ${limit} for update skip locked)
      update couriers set lease_until = now() + make_interval(secs => ${startSeconds}), woken_epoch = couriers.epoch
      from was where couriers.instance = was.instance
      returning couriers.instance, coalesce(was.woken_epoch = was.epoch, false) as again`,
  );
}

/** Begins a drain: the previous owner of the courier has lost it. */
export async function beginDrain(db: Db, instance: string): Promise<number> {
  const [row] = await rows<{ epoch: number }>(
    db,
    sql`insert into couriers (instance, epoch, lease_until) values (${instance}, 1, now() + make_interval(secs => ${leaseSeconds}))
      on conflict (instance) do update set epoch = couriers.epoch + 1, retry_at = null,
        lease_until = now() + make_interval(secs => ${leaseSeconds})
      returning epoch::float8 as epoch`,
  );
  if (row === undefined) throw new Error(`no courier for ${instance}`);
  return row.epoch;
}

/** Returns false once another drain has begun. */
export async function renewLease(db: Db, instance: string, epoch: number): Promise<boolean> {
  const mine = await rows(
    db,
    sql`update couriers set lease_until = now() + make_interval(secs => ${leaseSeconds})
      where instance = ${instance} and epoch = ${epoch} returning instance`,
  );
  return mine.length > 0;
}

export async function endLease(db: Db, instance: string, epoch: number): Promise<void> {
  await db.execute(sql`update couriers set lease_until = now() where instance = ${instance} and epoch = ${epoch}`);
}

export async function somethingDue(db: Db, instance: string): Promise<boolean> {
  const found = await rows(
    db,
    sql`select 1 as one from lanes where to_instance = ${instance} and due_at <= now() limit 1`,
  );
  return found.length > 0;
}

/**
 * Counts the failure and sets the time of the next attempt in one transaction: if only counted, the courier would try
 * again at once. `delayOf` receives the number of consecutive failures before this one. Returns its delay,
 * milliseconds; null if another drain owns the courier and reports for itself.
 */
export async function instanceFailed(
  db: Client,
  instance: string,
  epoch: number,
  why: Reason,
  delayOf: (failures: number) => number,
): Promise<number | null> {
  return db.transaction(async (tx) => {
    const [row] = await rows<{ failures: number }>(
      tx,
      sql`select failures from couriers where instance = ${instance} and epoch = ${epoch} for update`,
    );
    if (row === undefined) return null;
    const delayMs = delayOf(row.failures);
    await tx.execute(
      sql`update couriers set failures = failures + 1, reason = ${content('reason', why)}::jsonb,
          retry_at = now() + make_interval(secs => ${delayMs / 1000}), lease_until = now()
        where instance = ${instance} and epoch = ${epoch}`,
    );
    return delayMs;
  });
}

/** Records that the instance answered, which resets the delays. Returns false if another drain owns the courier. */
export async function instanceWorks(db: Db, instance: string, epoch: number): Promise<boolean> {
  const [row] = await rows<{ mine: boolean }>(
    db,
    sql`with worked as (
        update couriers set failures = 0, reason = null
        where instance = ${instance} and epoch = ${epoch} and (failures > 0 or reason is not null)
      )
      select exists (select 1 from couriers where instance = ${instance} and epoch = ${epoch}) as mine`,
  );
  return row?.mine === true;
}

/** Records a sign of life: the courier no longer waits to try again. Returns false if it was not waiting. */
export async function endRest(db: Db, instance: string): Promise<boolean> {
  const found = await rows(
    db,
    sql`update couriers set retry_at = null where instance = ${instance} and retry_at > now() returning instance`,
  );
  return found.length > 0;
}

/**
 * Stores the result of the last contact with an instance. The text may differ from one contact to the next without
 * changing the time since which the state holds. When the instance is back, the time it was away does not count as
 * trouble of the deliveries that wait for it, and its courier no longer waits to try again. Returns the previous state
 * if it was another one, and whether to wake the courier.
 */
export async function setInstanceState(
  db: Db,
  instance: string,
  state: InstanceState,
  why: string | null,
): Promise<{ readonly before: string; readonly wake: boolean } | null> {
  const [row] = await rows<{ before: string; wake: boolean }>(
    db,
    sql`with before as materialized (
        select id, state, state_since from instances
        where id = ${instance} and (state, state_reason) is distinct from (${state}, ${why}::text) for update
      ), changed as (
        update instances i set state = ${state}, state_reason = ${why},
          state_since = case when before.state = ${state} then i.state_since else now() end
        from before where i.id = before.id
      ), back as (
        select id, now() - state_since as away from before where state in ('down', 'auth', 'other') and ${state} = 'up'
      ), heads as (
        select d.id, back.away from back join lanes l on l.to_instance = back.id and l.due_at is not null
        join deliveries d on d.mirror = l.mirror and d.to_instance = l.to_instance and d.seq = l.head_seq
          and d.outcome is null and d.first_tried_at is not null
        for update of d skip locked
      ), later as (
        update deliveries d set first_tried_at = d.first_tried_at + heads.away from heads where d.id = heads.id
      ), woken as (
        update couriers c set retry_at = null from back
        where c.instance = back.id and c.retry_at > now() returning c.instance
      )
      select before.state as before, exists (select 1 from woken) as wake from before where before.state <> ${state}`,
  );
  return row ?? null;
}
