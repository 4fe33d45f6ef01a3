/** When lanes are due, their heads, and how carrying changes them. */
import { sql, type SQL } from 'drizzle-orm';
import type { Reason } from '#core/words/vocabulary.ts';
import { textArray } from '#db/base/text-array.ts';
import { rows, type Client, type Db } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';

/**
 * The progress of a lane to a peer: the seq last sent, the highest that the peer has acknowledged, and the last
 * assigned.
 */
export type LanePlace = { readonly sentSeq: number; readonly ackedSeq: number; readonly lastSeq: number };

export type LaneKey = { readonly mirror: string; readonly to: string };
/** Returns milliseconds until the instance's next lane is due; null if none is. */
export async function nextDueMs(db: Db, instance: string): Promise<number | null> {
  const [row] = await rows<{ ms: number | null }>(
    db,
    sql`select (extract(epoch from min(due_at) - now()) * 1000)::float8 as ms
      from lanes where to_instance = ${instance} and due_at is not null and due_at < 'infinity'`,
  );
  // In SQL, greatest() would turn a null into 0.
  return row?.ms == null ? null : Math.max(row.ms, 0);
}

/**
 * True for the courier's current drain. Only it may change a lane or its head: a change requested by an earlier drain,
 * which was frozen or slow, has no effect, and the functions below return false.
 */
const isMine = (to: string, epoch: number): SQL =>
  sql`exists (select 1 from couriers where instance = ${to} and epoch = ${epoch})`;

/** Defers the lane; the head keeps its place. */
export function deferLane(db: Db, lane: LaneKey, epoch: number, delayMs: number): Promise<boolean> {
  return sayOfLane(db, lane, epoch, sql`now() + make_interval(secs => ${delayMs / 1000})`);
}

/**
 * Parks the lane until somebody resumes the mirror. Waits for anybody who is resuming it right now, so that no lane is
 * forgotten.
 */
export function parkLane(db: Db, lane: LaneKey, epoch: number): Promise<boolean> {
  const paused = sql`select id from mirrors where id = ${lane.mirror} and paused_at is not null for share`;
  return sayOfLane(db, lane, epoch, sql`'infinity'`, paused);
}

/**
 * Parks the lane until the link is active again. Waits for anybody who is changing its state right now, so that no lane
 * is forgotten.
 */
export function parkUntilActive(db: Db, lane: LaneKey, epoch: number, link: string): Promise<boolean> {
  return sayOfLane(
    db,
    lane,
    epoch,
    sql`'infinity'`,
    sql`select id from links where id = ${link} and state <> 'active' for share`,
  );
}

/**
 * Parks the lane until somebody has looked at a restored desk. Waits for anybody who is ending its quarantine right
 * now.
 */
export function parkUntilLooked(db: Db, lane: LaneKey, epoch: number, ends: readonly string[]): Promise<boolean> {
  const resting = sql`select id from instances where id = any(${textArray(ends)}) and quarantined_at is not null for share`;
  return sayOfLane(db, lane, epoch, sql`'infinity'`, resting);
}

/** @param locked a query that must still find a row, otherwise the lane is not changed */
async function sayOfLane(db: Db, lane: LaneKey, epoch: number, dueAt: SQL, locked?: SQL): Promise<boolean> {
  const [row] = await rows<{ mine: boolean }>(
    db,
    sql`with locked as materialized (${locked ?? sql`select 1`}), said as (
        update lanes set due_at = ${dueAt}
        where mirror = ${lane.mirror} and to_instance = ${lane.to} and due_at is not null and exists (select 1 from locked)
          and ${isMine(lane.to, epoch)}
      )
      select ${isMine(lane.to, epoch)} as mine`,
  );
  return row?.mine === true;
}

/**
 * Makes the link's lanes due again; called in the transaction that activates it, after the change. Returns the
 * instances to wake.
 */
export async function unparkLink(db: Db, link: string): Promise<string[]> {
  const found = await rows<{ to: string }>(
    db,
    // In the order in which a transaction that logs many tickets locks them.
    sql`with parked as materialized (
        select mirror, to_instance from lanes where link = ${link} and due_at = 'infinity' order by mirror, to_instance for update
      )
      update lanes l set due_at = now() from parked
      where l.mirror = parked.mirror and l.to_instance = parked.to_instance returning l.to_instance as "to"`,
  );
  return [...new Set(found.map((row) => row.to))];
}

/**
 * Updates the lane from its deliveries: the lowest waiting seq, or nothing due. Without the lane's lock, a concurrent
 * change of the lane wins and this one has no effect.
 */
export const settleLane = (mirror: string, to: string): SQL => sql`
  update lanes l set
    head_seq = coalesce(waiting.seq, l.last_seq + 1),
    due_at = case when waiting.seq is null then null else now() end
  from (select min(seq) as seq from deliveries
    where mirror = ${mirror} and to_instance = ${to} and outcome is null and accepted_at is null and set_aside_at is null) waiting,
    lanes seen
  where l.mirror = ${mirror} and l.to_instance = ${to} and seen.mirror = l.mirror and seen.to_instance = l.to_instance
    -- A concurrent change of the lane may have added a delivery that was not counted.
    and l.last_seq = seen.last_seq and l.head_seq = seen.head_seq and l.due_at is not distinct from seen.due_at`;

/** Holds a delivery until somebody acts; the lane waits until it is set aside. */
export async function holdDelivery(
  db: Db,
  id: string,
  lane: LaneKey,
  epoch: number,
  why: Reason,
  setAsideMs: number,
): Promise<boolean> {
  const held = await rows(
    db,
    sql`with held as (
        update deliveries set held_at = coalesce(held_at, now()), released_at = null, reason = ${content('reason', why)}::jsonb
        where id = ${id} and outcome is null and ${isMine(lane.to, epoch)} returning id
      ), put_off as (
        update lanes set due_at = now() + make_interval(secs => ${setAsideMs / 1000})
        where mirror = ${lane.mirror} and to_instance = ${lane.to} and due_at is not null and exists (select 1 from held)
      )
      select id from held`,
  );
  return held.length > 0;
}

/** Sets a held head aside, so that its lane continues without it. */
export async function setAside(db: Client, id: string, lane: LaneKey, epoch: number): Promise<boolean> {
  return db.transaction(async (tx) => {
    const aside = await rows(
      tx,
      sql`update deliveries set set_aside_at = now()
        where id = ${id} and outcome is null and held_at is not null and released_at is null
          and ${isMine(lane.to, epoch)} returning id`,
    );
    if (aside.length === 0) return false;
    await tx.execute(settleLane(lane.mirror, lane.to));
    return true;
  });
}

/** Counts a failed attempt although the instance answers; `heldAfterMs` counts from the first one. */
export function countTry(db: Db, id: string, lane: LaneKey, epoch: number, why: Reason): Promise<boolean> {
  const counted = sql`attempts = attempts + 1, first_tried_at = coalesce(first_tried_at, now()), `;
  return sayOfHead(db, id, lane, epoch, counted, why);
}

/** Records why it is not carried yet: its instance is down, which is not the delivery's own trouble. */
export function noteWhy(db: Db, id: string, lane: LaneKey, epoch: number, why: Reason): Promise<boolean> {
  return sayOfHead(db, id, lane, epoch, sql``, why);
}

async function sayOfHead(db: Db, id: string, { to }: LaneKey, epoch: number, more: SQL, why: Reason): Promise<boolean> {
  const said = await rows(
    db,
    sql`update deliveries set ${more}reason = ${content('reason', why)}::jsonb
      where id = ${id} and outcome is null and ${isMine(to, epoch)} returning id`,
  );
  return said.length > 0;
}
