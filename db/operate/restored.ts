/** Ends the quarantine of an instance whose desk was restored, once its mirrored tickets were checked. */
import { sql } from 'drizzle-orm';
import type { Judged, KnownOne } from '#core/log/restored.ts';
import { reason } from '#core/words/reasons.ts';
import { raiseNotice } from '#db/base/notices.ts';
import { textArray } from '#db/base/text-array.ts';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { causeOf } from '#db/log/quarantine.ts';

export type MirroredTicket = {
  readonly ticket: string;
  /** Summary as last read; null if not stored. */
  readonly summary: string | null;
  readonly known: readonly (Omit<KnownOne, 'sameText'> & { readonly note: string | null })[];
};

/** Lists tickets of the instance with a live mirror, with everything the log knows about their actions. */
export async function ticketsToVerify(db: Db, instance: string): Promise<MirroredTicket[]> {
  return rows<MirroredTicket>(
    db,
    sql`with theirs as (
        select first_ticket as ticket from mirrors
          where first_instance = ${instance} and first_entity = 'ticket' and state in ('opening', 'open')
        union
        select second_ticket from mirrors
          where second_instance = ${instance} and second_entity = 'ticket' and second_ticket is not null and state in ('opening', 'open')
      )
      select theirs.ticket, t.snapshot->>'summary' as summary, coalesce((select json_agg(known) from (
          select a.external_id as id, a.made_at as made, a.at as dated, a.author->>'name' as by, a.note
            from actions a where a.instance = ${instance} and a.entity = 'ticket' and a.ticket = theirs.ticket
          union all
          select w.external_id, w.made_at, w.at, null, null
            from written_ids w where w.instance = ${instance} and w.entity = 'ticket' and w.ticket = theirs.ticket
        ) known), '[]'::json) as known
      from theirs left join tickets t on t.instance = ${instance} and t.entity = 'ticket' and t.external_id = theirs.ticket
      order by 1`,
  );
}

export type Verified = { readonly ticket: string } & Judged;

export type EndedQuarantine = { readonly paused: readonly string[]; readonly wake: readonly string[] };

/**
 * Ends the quarantine. Mirrors whose tickets are missing or are other tickets now are paused. Actions that the desk has
 * lost stay in the log under modified ids, so that their ids can be assigned again. Returns null if the instance is not
 * in quarantine.
 * @param cursor from which the feed names what has changed since the backup
 */
export async function endQuarantine(
  tx: Tx,
  instance: string,
  verified: readonly Verified[],
  cursor: string,
): Promise<EndedQuarantine | null> {
  const [row] = await rows<{ name: string; suffix: string }>(
    tx,
    sql`select name, '@' || to_char(quarantined_at at time zone 'utc', 'YYYYMMDDHH24MISS') as suffix
      from instances where id = ${instance} and quarantined_at is not null for update`,
  );
  if (row === undefined) return null;
  const paused: string[] = [];
  for (const { ticket, verdict, lost, keptTo, keptAt } of verified) {
    for (const table of ['actions', 'written_ids'])
      await tx.execute(
        sql`update ${sql.identifier(table)} set external_id = external_id || ${row.suffix}
          where instance = ${instance} and entity = 'ticket' and ticket = ${ticket} and external_id = any(${textArray(lost)})`,
      );
    await tx.execute(
      sql`update tickets set floor = ${keptTo ?? '0'}, high = null, high_since = null, mark = null, cursor = coalesce(${keptAt}::timestamptz, cursor)
        where instance = ${instance} and entity = 'ticket' and external_id = ${ticket}`,
    );
    if (verdict === 'other' || verdict === 'missing')
      paused.push(...(await pauseMirrors(tx, instance, ticket, row.name)));
  }
  const kept = verified.flatMap(({ keptAt }) => keptAt ?? []);
  const newest = kept.reduce<string | null>((a, b) => (a === null || Date.parse(b) > Date.parse(a) ? b : a), null);
  // Other tickets are read as if for the first time, from the moment of the backup on.
  const isMirrored = sql`exists (select 1 from mirrors m where (m.first_instance = k.instance and m.first_entity = k.entity and m.first_ticket = k.ticket)
    or (m.second_instance = k.instance and m.second_entity = k.entity and m.second_ticket = k.ticket))`;
  await tx.execute(
    sql`delete from actions k where k.instance = ${instance} and k.entity = 'ticket' and k.reason is not null and not ${isMirrored}`,
  );
  await tx.execute(
    sql`delete from tickets t where t.instance = ${instance} and t.entity = 'ticket'
      and not exists (select 1 from (select t.instance, t.entity, t.external_id as ticket) k where ${isMirrored})`,
  );
  await tx.execute(
    sql`update instances set quarantined_at = null, quarantine_reason = null,
        forgotten_to = greatest(forgotten_to, ${newest}::timestamptz) where id = ${instance}`,
  );
  await tx.execute(
    sql`update feeds set cursor = ${cursor}, next_poll_at = now(), failures = 0 where instance = ${instance} and entity = 'ticket'`,
  );
  await tx.execute(
    sql`insert into put_off (instance, entity, ticket, due_at)
      select ${instance}, 'ticket', t, now() from unnest(${textArray(verified.map(({ ticket }) => ticket))}) as v (t) order by 2
      on conflict (instance, entity, ticket) do update set due_at = now(), times = put_off.times + 1`,
  );
  await tx.execute(
    sql`update notices set cleared_at = now() where cause = ${causeOf(instance)} and cleared_at is null`,
  );
  const woken = await rows<{ to: string }>(
    tx,
    sql`with parked as materialized (
        select l.mirror, l.to_instance from lanes l join mirrors m on m.id = l.mirror and m.paused_at is null
          join links k on k.id = m.link and k.state = 'active'
        where l.due_at = 'infinity' and ${instance} in (m.first_instance, m.second_instance)
        order by l.mirror, l.to_instance for update of l
      )
      update lanes l set due_at = now() from parked
      where l.mirror = parked.mirror and l.to_instance = parked.to_instance returning l.to_instance as "to"`,
  );
  return { paused, wake: [...new Set(woken.map(({ to }) => to))] };
}

async function pauseMirrors(tx: Tx, instance: string, ticket: string, desk: string): Promise<string[]> {
  const found = await rows<{ id: string; link: string; number: string }>(
    tx,
    sql`update mirrors m set paused_at = coalesce(paused_at, now()), pause_reason = 'desk-restored'
      where state in ('opening', 'open') and ((first_instance = ${instance} and first_entity = 'ticket' and first_ticket = ${ticket})
        or (second_instance = ${instance} and second_entity = 'ticket' and second_ticket = ${ticket}))
      returning id, link, coalesce(first_number, first_ticket) as number`,
  );
  for (const { id, link, number } of found) {
    const { text } = reason('restored-ticket', { desk, number: ticket });
    await raiseNotice(tx, { link, cause: `desk-restored/${id}`, text: `${number}: ${text}` });
  }
  return found.map(({ id }) => id);
}
