/** Couriers' leases and epochs. The lease only saves wakes; ownership is the epoch. */
import { sql } from 'drizzle-orm';
import type { Reason } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { textArray } from '#db/base/text-array.ts';

/** Called after a commit with the instances that have something due; never awaited, and never throws. */
export type Wake = (instances: readonly string[]) => void;

export const laneChannel = 'ferry_lane';
/** Seconds a lease lasts; a drain renews it well before. */
const leaseSeconds = 5;

/** Rings the bells of whoever listens. Its own statement, after the commit of what it announces. */
export async function notifyLanes(db: Db, instances: readonly string[]): Promise<void> {
  await db.execute(
    sql`select pg_notify(${laneChannel}, instance) from unnest(${textArray(instances)}) as woken(instance)`,
  );
}

/** Takes the lease where nobody holds it; the instances returned are the caller's to wake. */
export async function takeLeases(db: Db, instances: readonly string[]): Promise<string[]> {
  const won = await rows<{ instance: string }>(
    db,
    sql`update couriers set lease_until = now() + make_interval(secs => ${leaseSeconds})
      where instance = any(${textArray(instances)}) and lease_until < now() and (retry_at is null or retry_at <= now())
      returning instance`,
  );
  return won.map((row) => row.instance);
}

/** Instances with something due and no courier at work; the lease is the caller's. */
export async function takeDueLeases(db: Db, limit: number): Promise<string[]> {
  const won = await rows<{ instance: string }>(
    db,
    sql`update couriers set lease_until = now() + make_interval(secs => ${leaseSeconds})
      where instance in (
        select c.instance from couriers c
        where c.lease_until < now() and (c.retry_at is null or c.retry_at <= now())
          and exists (select 1 from lanes l where l.to_instance = c.instance and l.due_at <= now())
        limit ${limit} for update skip locked)
      returning instance`,
  );
  return won.map((row) => row.instance);
}

/** Begins a drain: whoever held the courier before has lost it. */
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

/** False once another drain has begun. */
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

/** Counts the failure and sets when to try again. `delayOf` is given the number of failures in a row before this one. */
export async function instanceFailed(
  db: Db,
  instance: string,
  epoch: number,
  why: Reason,
  delayOf: (failures: number) => number,
): Promise<number> {
  const [row] = await rows<{ failures: number }>(
    db,
    sql`update couriers set failures = failures + 1, reason = ${JSON.stringify(why)}::jsonb
      where instance = ${instance} and epoch = ${epoch} returning failures`,
  );
  const delayMs = delayOf((row?.failures ?? 1) - 1);
  await db.execute(
    sql`update couriers set retry_at = now() + make_interval(secs => ${delayMs / 1000}), lease_until = now()
      where instance = ${instance} and epoch = ${epoch}`,
  );
  return delayMs;
}

/** The instance answered: waiting starts anew. */
export async function instanceWorks(db: Db, instance: string): Promise<void> {
  await db.execute(
    sql`update couriers set failures = 0, reason = null where instance = ${instance} and (failures > 0 or reason is not null)`,
  );
}

/** What the last contact with an instance said; the time of the change is kept. Returns the state before. */
export async function setInstanceState(
  db: Db,
  instance: string,
  state: 'up' | 'down' | 'auth' | 'key',
  why: string | null,
): Promise<string | null> {
  const [row] = await rows<{ before: string }>(
    db,
    sql`update instances i set state = ${state}, state_reason = ${why}, state_since = now()
      from (select id, state from instances where id = ${instance}) before
      where i.id = before.id and (i.state, i.state_reason) is distinct from (${state}, ${why}::text)
      returning before.state as before`,
  );
  return row?.before ?? null;
}
