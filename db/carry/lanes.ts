/** Lanes due, their heads, and where they stand after. */
import { sql, type SQL } from 'drizzle-orm';
import type { Reason } from '#core/words/vocabulary.ts';
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

/** Puts the lane off; the head keeps its place. */
export async function deferLane(db: Db, lane: LaneKey, delayMs: number): Promise<void> {
  await db.execute(
    sql`update lanes set due_at = now() + make_interval(secs => ${delayMs / 1000})
      where mirror = ${lane.mirror} and to_instance = ${lane.to} and due_at is not null`,
  );
}

/** Until somebody resumes the mirror. */
export async function parkLane(db: Db, lane: LaneKey): Promise<void> {
  await db.execute(
    sql`update lanes set due_at = 'infinity'
      where mirror = ${lane.mirror} and to_instance = ${lane.to} and due_at is not null`,
  );
}

/** Until the link is active again. Whoever changes its state meanwhile is waited for, so that no lane is forgotten. */
export async function parkUntilActive(db: Db, lane: LaneKey, link: string): Promise<void> {
  await db.execute(
    sql`with resting as materialized (select id from links where id = ${link} and state <> 'active' for share)
      update lanes set due_at = 'infinity'
      where mirror = ${lane.mirror} and to_instance = ${lane.to} and due_at is not null and exists (select 1 from resting)`,
  );
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
export async function holdDelivery(db: Db, id: string, lane: LaneKey, why: Reason, setAsideMs: number): Promise<void> {
  await db.execute(
    sql`with held as (
        update deliveries set held_at = coalesce(held_at, now()), released_at = null, reason = ${content('reason', why)}::jsonb
        where id = ${id} and outcome is null
      )
      update lanes set due_at = now() + make_interval(secs => ${setAsideMs / 1000})
      where mirror = ${lane.mirror} and to_instance = ${lane.to} and due_at is not null`,
  );
}

/** Lets the lane go on without a held head. */
export async function setAside(db: Client, id: string, lane: LaneKey): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute(sql`update deliveries set set_aside_at = now() where id = ${id} and outcome is null`);
    await tx.execute(settleLane(lane.mirror, lane.to));
  });
}

/** Counts a try that failed although its instance answers; since when that is so is what `heldAfterMs` counts from. */
export async function countTry(db: Db, id: string, why: Reason): Promise<void> {
  await db.execute(
    sql`update deliveries set attempts = attempts + 1, first_tried_at = coalesce(first_tried_at, now()),
        reason = ${content('reason', why)}::jsonb
      where id = ${id} and outcome is null`,
  );
}

/** Why it is not carried yet: its instance is away, which is no trouble of its own. */
export async function noteWhy(db: Db, id: string, why: Reason): Promise<void> {
  await db.execute(
    sql`update deliveries set reason = ${content('reason', why)}::jsonb where id = ${id} and outcome is null`,
  );
}
