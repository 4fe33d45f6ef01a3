/** Lanes due, their heads, and where they stand after. */
import { sql, type SQL } from 'drizzle-orm';
import type { Reason } from '#core/words/vocabulary.ts';
import { textArray } from '#db/base/text-array.ts';
import { rows, type Client, type Db } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';

/** Where a lane to a peer stands: the seq last sent, the highest that the peer has said it has, and the last given out. */
export type LanePlace = { readonly sentSeq: number; readonly ackedSeq: number; readonly lastSeq: number };

export type LaneKey = { readonly mirror: string; readonly to: string };
/** Milliseconds until the instance's next lane is due; null where none is. */
export async function nextDueMs(db: Db, instance: string): Promise<number | null> {
  const [row] = await rows<{ ms: number | null }>(
    db,
    sql`select (extract(epoch from min(due_at) - now()) * 1000)::float8 as ms
      from lanes where to_instance = ${instance} and due_at is not null and due_at < 'infinity'`,
  );
  // The database's greatest() would make 0 of no lane at all.
  return row?.ms == null ? null : Math.max(row.ms, 0);
}

/**
 * Whose word on a lane or its head counts: that of the courier's present drain. What an earlier one still says, because it
 * was frozen or slow, changes nothing; the functions below return false then.
 */
const isMine = (to: string, epoch: number): SQL =>
  sql`exists (select 1 from couriers where instance = ${to} and epoch = ${epoch})`;

/** Puts the lane off; the head keeps its place. */
export function deferLane(db: Db, lane: LaneKey, epoch: number, delayMs: number): Promise<boolean> {
  return sayOfLane(db, lane, epoch, sql`now() + make_interval(secs => ${delayMs / 1000})`);
}

/** Until somebody resumes the mirror. Whoever does so meanwhile is waited for, so that no lane is forgotten. */
export function parkLane(db: Db, lane: LaneKey, epoch: number): Promise<boolean> {
  const paused = sql`select id from mirrors where id = ${lane.mirror} and paused_at is not null for share`;
  return sayOfLane(db, lane, epoch, sql`'infinity'`, paused);
}

/** Until the link is active again. Whoever changes its state meanwhile is waited for, so that no lane is forgotten. */
export function parkUntilActive(db: Db, lane: LaneKey, epoch: number, link: string): Promise<boolean> {
  return sayOfLane(
    db,
    lane,
    epoch,
    sql`'infinity'`,
    sql`select id from links where id = ${link} and state <> 'active' for share`,
  );
}

/** Until somebody has looked at a desk that was restored. Whoever ends its quarantine meanwhile is waited for. */
export function parkUntilLooked(db: Db, lane: LaneKey, epoch: number, ends: readonly string[]): Promise<boolean> {
  const resting = sql`select id from instances where id = any(${textArray(ends)}) and quarantined_at is not null for share`;
  return sayOfLane(db, lane, epoch, sql`'infinity'`, resting);
}

/** @param locked a query that still has to find something */
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

/** The link's lanes are due again; in the transaction that makes it active, after it has. Returns the instances to wake. */
export async function unparkLink(db: Db, link: string): Promise<string[]> {
  const found = await rows<{ to: string }>(
    db,
    // In the order in which whoever logs many tickets locks them.
    sql`with parked as materialized (
        select mirror, to_instance from lanes where link = ${link} and due_at = 'infinity' order by mirror, to_instance for update
      )
      update lanes l set due_at = now() from parked
      where l.mirror = parked.mirror and l.to_instance = parked.to_instance returning l.to_instance as "to"`,
  );
  return [...new Set(found.map((row) => row.to))];
}

/**
 * Sets the lane to what its deliveries say: the lowest seq that still waits, or nothing due. Without the lane's lock it
 * changes nothing where somebody else has just changed the lane; that one's word stands.
 */
export const settleLane = (mirror: string, to: string): SQL => sql`
  update lanes l set
    head_seq = coalesce(waiting.seq, l.last_seq + 1),
    due_at = case when waiting.seq is null then null else now() end
  from (select min(seq) as seq from deliveries
    where mirror = ${mirror} and to_instance = ${to} and outcome is null and accepted_at is null and set_aside_at is null) waiting,
    lanes seen
  where l.mirror = ${mirror} and l.to_instance = ${to} and seen.mirror = l.mirror and seen.to_instance = l.to_instance
    -- Somebody who changed the lane while this waited for it may have added a delivery that was not counted.
    and l.last_seq = seen.last_seq and l.head_seq = seen.head_seq and l.due_at is not distinct from seen.due_at`;

/** Holds a delivery for somebody; the lane waits until it is set aside. */
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

/** Lets the lane go on without a held head. */
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

/** Counts a try that failed although its instance answers; since when that is so is what `heldAfterMs` counts from. */
export function countTry(db: Db, id: string, lane: LaneKey, epoch: number, why: Reason): Promise<boolean> {
  const counted = sql`attempts = attempts + 1, first_tried_at = coalesce(first_tried_at, now()), `;
  return sayOfHead(db, id, lane, epoch, counted, why);
}

/** Why it is not carried yet: its instance is away, which is no trouble of its own. */
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
