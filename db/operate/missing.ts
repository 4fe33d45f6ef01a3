/**
 * Tickets that are missing, for us and for now: that proves nothing until the desk itself says that they were deleted,
 * or their neighbours were visible for a day. Also restores their mirrors when they reappear.
 */
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import { reopenDays } from '#core/words/mirror.ts';
import type { Ref } from '#core/words/vocabulary.ts';
import { clearNotices, raiseNotice } from '#db/base/notices.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { requeueRefused } from '#db/carry/requeue.ts';
import { lockMirrorsOfTicket, nameOf } from '#db/log/mirrors.ts';

export type Missing = {
  /** Time since it was first missing, and since its neighbours were visible at every look. Milliseconds. */
  readonly forMs: number;
  readonly besideMs: number | null;
};

/** A notice is raised after this long. Milliseconds. */
const toldAfterMs = 5 * 60_000;

/** Returns null if nobody has read the ticket. */
export async function noteMissing(
  tx: Tx,
  ticket: Ref,
  deskName: string,
  seesNeighbour: boolean,
): Promise<Missing | null> {
  const { instance, entity, externalId } = ticket;
  const [row] = await rows<{ for_ms: number; beside_ms: number | null }>(
    tx,
    sql`update tickets set missing_since = coalesce(missing_since, now()),
        missing_beside_since = case when ${seesNeighbour}::boolean then coalesce(missing_beside_since, now()) end
      where instance = ${instance} and entity = ${entity} and external_id = ${externalId}
      returning (extract(epoch from now() - missing_since) * 1000)::float8 as for_ms,
        (extract(epoch from now() - missing_beside_since) * 1000)::float8 as beside_ms`,
  );
  if (row === undefined) return null;
  if (row.for_ms >= toldAfterMs) {
    const { text } = reason('missing', { desk: deskName, number: externalId });
    for (const mirror of await lockMirrorsOfTicket(tx, ticket)) {
      if (mirror.state !== 'opening' && mirror.state !== 'open') continue;
      await raiseNotice(tx, { link: mirror.link, cause: `missing/${mirror.id}`, text: `${nameOf(mirror)}: ${text}` });
    }
  }
  return { forMs: row.for_ms, besideMs: row.beside_ms };
}

/** Schedules the next look after `delayMs`, whatever was scheduled before. */
export async function lookAgain(db: Db, { instance, entity, externalId }: Ref, delayMs: number): Promise<void> {
  await db.execute(
    sql`insert into put_off (instance, entity, ticket, due_at)
      values (${instance}, ${entity}, ${externalId}, now() + make_interval(secs => ${delayMs / 1000}))
      on conflict (instance, entity, ticket) do update set due_at = excluded.due_at, times = put_off.times + 1`,
  );
}

/** How often, and finally how rarely, to look for a ticket without a mirror; over a day in all. */
export const stranger = { looks: 20, shortestSeconds: 15, longestSeconds: 2 * 3_600 };

/** Looks for a ticket without a mirror, for which nothing waits, less and less often, and finally no longer. */
export async function lookForStranger(db: Db, { instance, entity, externalId }: Ref): Promise<void> {
  const { looks, shortestSeconds, longestSeconds } = stranger;
  await db.execute(
    sql`insert into put_off (instance, entity, ticket, due_at)
      values (${instance}, ${entity}, ${externalId}, now() + make_interval(secs => ${shortestSeconds}))
      on conflict (instance, entity, ticket) do update set times = put_off.times + 1,
        due_at = now() + make_interval(secs => least(${shortestSeconds} * 2 ^ put_off.times, ${longestSeconds}))
      where put_off.times < ${looks}`,
  );
}

export type Neighbour = { readonly ticket: string; readonly since: string | null; readonly floor: string | null };

/**
 * Lists tickets that the same account has seen: those of the same customer or queue first, then the most recently read.
 */
export async function neighboursOf(db: Db, { instance, entity, externalId }: Ref, most: number): Promise<Neighbour[]> {
  return rows<Neighbour>(
    db,
    sql`select t.external_id as ticket, to_json(t.cursor)#>>'{}' as since, t.floor
      from tickets t
      left join tickets own on own.instance = ${instance} and own.entity = ${entity} and own.external_id = ${externalId}
      where t.instance = ${instance} and t.entity = ${entity} and t.external_id <> ${externalId} and t.missing_since is null
      order by (t.snapshot->>'account' is not null and t.snapshot->>'account' = own.snapshot->>'account') desc, t.read_at desc
      limit ${most}`,
  );
}

/** Tells whether a mirror of the ticket still matters, so that it must be looked for. */
export async function isLookedFor(db: Db, { instance, entity, externalId }: Ref): Promise<boolean> {
  const found = await rows(
    db,
    sql`select 1 as one from mirrors m
      where ((m.first_instance = ${instance} and m.first_entity = ${entity} and m.first_ticket = ${externalId})
          or (m.second_instance = ${instance} and m.second_entity = ${entity} and m.second_ticket = ${externalId}))
        and (m.state in ('opening', 'open')
          or (m.state = 'closed' and m.close_reason = 'gone' and m.closed_at > now() - make_interval(days => ${reopenDays}))) limit 1`,
  );
  return found.length > 0;
}

/**
 * Handles a ticket that has reappeared: its mirrors continue, deliveries refused because it was missing are carried,
 * and everybody who was notified is notified again. Returns the instances to wake.
 */
export async function seenAgain(tx: Tx, ticket: Ref, deskName: string): Promise<readonly string[]> {
  const { instance, entity, externalId } = ticket;
  const wake = new Set<string>();
  const mirrors = await lockMirrorsOfTicket(tx, ticket);
  await tx.execute(
    sql`update tickets set missing_since = null, missing_beside_since = null
      where instance = ${instance} and entity = ${entity} and external_id = ${externalId}`,
  );
  for (const mirror of mirrors) {
    await clearNotices(tx, mirror.link, `missing/${mirror.id}`);
    if (mirror.state !== 'closed' || mirror.closeReason !== 'gone') continue;
    // One live mirror per link and ticket: a newer one has replaced it.
    const reopened = await rows(
      tx,
      sql`update mirrors m set state = case when m.second_ticket is null then 'opening' else 'open' end,
          close_reason = null, closed_at = null
        where m.id = ${mirror.id} and not exists (
          select 1 from mirrors other where other.link = m.link and other.id <> m.id and other.state in ('opening', 'open')
            and ((other.first_entity = m.first_entity and other.first_ticket = m.first_ticket)
              or (other.second_entity = m.second_entity and other.second_ticket = m.second_ticket)))
        returning m.id`,
    );
    if (reopened.length === 0) continue;
    await clearNotices(tx, mirror.link, `gone/${mirror.id}`);
    const { text } = reason('seen-again', { desk: deskName, number: externalId });
    await raiseNotice(tx, { link: mirror.link, cause: `seen-again/${mirror.id}`, text: `${nameOf(mirror)}: ${text}` });
    await clearNotices(tx, mirror.link, `seen-again/${mirror.id}`);
    await tx.execute(sql`select mirror from lanes where mirror = ${mirror.id} order by to_instance for update`);
    const refused = await rows<{ id: string; to: string }>(
      tx,
      sql`select id, to_instance as "to" from deliveries
        where mirror = ${mirror.id} and kind = 'action' and not escalation and outcome = 'refused' and reason->>'code' = 'gone'
        order by to_instance, seq for update`,
    );
    for (const { id, to } of refused) {
      await requeueRefused(tx, id, { mirror: mirror.id, to });
      wake.add(to);
    }
  }
  return [...wake];
}
