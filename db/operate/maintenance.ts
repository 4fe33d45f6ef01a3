/** Regular clean-up: content past its retention, and traces of tickets without a mirror. */
import { sql } from 'drizzle-orm';
import type { NotifyTarget } from '#core/rules/settings.ts';
import { rows, type Client, type Db } from '#db/base/client.ts';
import { markUnused } from '#db/log/attachments.ts';

/** Most rows changed by one statement. */
const batch = 5_000;
/** For tickets without a mirror, and for attempts outside the monthly partitions. */
const forgottenDays = 90;

/**
 * Ids that a read may still show must stay known, or they would be taken for new. Ids that the ticket's position has
 * passed are known by it; without a position, those a day older than the newest are. One more day is kept anyway, to
 * detect a restored desk.
 */
const isPassed = sql`(least(t.cursor, now()) > kept.at + interval '1 day'
  and case when t.floor is null then true
    when kept.external_id ~ '^[0-9]{1,15}$' and t.floor ~ '^[0-9]{1,15}$' then kept.external_id::bigint <= t.floor::bigint
    else false end)`;
const ofTicket = sql`t.instance = kept.instance and t.entity = kept.entity and t.external_id = kept.ticket`;

/**
 * Deletes actions that were never carried after 7 days, and content after its link's retention, wherever it is stored.
 * Each part is complete by itself.
 */
export async function purge(db: Client): Promise<void> {
  await db.execute(
    sql`delete from actions where id in (
      select kept.id from actions kept where kept.reason is not null and kept.logged_at < now() - interval '7 days'
        and not exists (select 1 from tickets t where ${ofTicket} and t.snapshot is not null and (${isPassed}) is not true)
      limit ${batch})`,
  );
  // Rows that have to stay keep only their ids.
  await db.execute(
    sql`update actions set note = null, author = null, words = null, attachments = '[]' where id in (
      select a.id from actions a where a.reason is not null and a.logged_at < now() - interval '7 days'
        and a.words is not null limit ${batch})`,
  );
  await db.execute(
    sql`delete from written_ids where (instance, entity, ticket, external_id) in (
      select kept.instance, kept.entity, kept.ticket, kept.external_id from written_ids kept
      where kept.at < now() - interval '90 days'
        and not exists (select 1 from tickets t where ${ofTicket} and (${isPassed}) is not true)
      limit ${batch})`,
  );
  await db.execute(
    sql`with emptied as (
      update actions set note = null, author = null, words = null, attachments = '[]', signed = null, opening = null, drops = null
      where id in (
        select a.id from actions a
        where a.words is not null and a.logged_at < now() - interval '1 day'
          and exists (
            select 1 from deliveries d join mirrors m on m.id = d.mirror join links l on l.id = m.link
            where d.action = a.id
              and a.logged_at < now() - make_interval(days => (l.settings->>'retentionDays')::int))
          and not exists (select 1 from deliveries w where w.action = a.id and w.outcome is null)
        limit ${batch}) returning id
      ), content as (
        -- Promised actions, relayed parts and receipts are content too.
        update deliveries d set sent = null, constant = null, words = null,
          receipt = jsonb_set(d.receipt, '{action,author}', '{"name": "", "role": "automation"}') from emptied
        where d.action = emptied.id
          and (d.sent is not null or d.constant is not null or d.words is not null or d.receipt is not null)
      )
      update writes w set plan = null from emptied join deliveries d on d.action = emptied.id
      where w.delivery = d.id and w.plan is not null`,
  );
  await db.transaction(async (tx) => {
    const freed = await rows<{ sha256: string | null }>(
      tx,
      sql`delete from attachments f using actions a where a.id = f.action and a.words is null returning f.sha256`,
    );
    await markUnused(
      tx,
      freed.flatMap(({ sha256 }) => (sha256 === null ? [] : [sha256])),
    );
  });
  await purgeTickets(db);
  await db.execute(
    sql`delete from attempts_default where id in (
      select id from attempts_default where at < now() - make_interval(days => ${forgottenDays}) limit ${batch})`,
  );
}

/**
 * Deletes tickets without a mirror on which nothing has happened for a long time, and the text that ended mirrors left.
 * How far those tickets were read is then stored once per instance, so that none of their old actions is taken for new;
 * so they are only deleted while the instance's feed is up to date.
 */
async function purgeTickets(db: Client): Promise<void> {
  const unmirrored = sql`not exists (select 1 from mirrors m where m.state in ('opening', 'open')
      and ((m.first_instance = t.instance and m.first_entity = t.entity and m.first_ticket = t.external_id)
        or (m.second_instance = t.instance and m.second_entity = t.entity and m.second_ticket = t.external_id)))`;
  const long = sql`now() - make_interval(days => ${forgottenDays})`;
  await db.transaction(async (tx) => {
    const due = await rows<{ instance: string }>(
      tx,
      sql`select i.id as instance from instances i join feeds f on f.instance = i.id and f.cursor is not null and f.entity = 'ticket'
        where f.read_at > now() - interval '1 hour' and f.failures = 0 and i.live_since < ${long} order by i.id for update of i`,
    );
    for (const { instance } of due) {
      await tx.execute(sql`update instances set forgotten_to = greatest(forgotten_to, ${long}) where id = ${instance}`);
      await tx.execute(
        sql`delete from tickets t where t.ctid = any(array(
          select t.ctid from tickets t where t.instance = ${instance} and t.entity = 'ticket' and t.read_at < ${long}
            and (t.cursor is null or t.cursor < ${long})
            and not exists (select 1 from mirrors m where (m.first_instance = t.instance and m.first_entity = t.entity and m.first_ticket = t.external_id)
              or (m.second_instance = t.instance and m.second_entity = t.entity and m.second_ticket = t.external_id))
          limit ${batch} for update skip locked))`,
      );
    }
  });
  // A mirror that has ended keeps its tickets, but none of their text beyond the retention of its content.
  await db.execute(
    sql`update tickets t set snapshot = null where t.ctid = any(array(
      select t.ctid from tickets t where t.snapshot is not null and t.read_at < ${long} and ${unmirrored}
      limit ${batch} for update skip locked))`,
  );
}

export async function notifyTargets(db: Db, link: string): Promise<readonly NotifyTarget[]> {
  const [row] = await rows<{ notify: readonly NotifyTarget[] | null }>(
    db,
    sql`select settings->'notify' as notify from links where id = ${link}`,
  );
  return row?.notify ?? [];
}
