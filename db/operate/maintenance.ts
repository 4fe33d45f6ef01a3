/** What has to be tidied: content past its retention, traces of tickets without a mirror, next month's partition. */
import { sql } from 'drizzle-orm';
import type { NotifyTarget } from '#core/rules/settings.ts';
import { rows, type Db } from '#db/base/client.ts';
import { raiseNotice } from '#db/base/notices.ts';

/** Rows touched by one statement at most. */
const batch = 5_000;

/**
 * Reads begin a little before a ticket's newest action, however old that is. What a read may still meet has to stay
 * known, or it would be taken for new.
 */
const isPassed = sql`t.cursor > kept.at + interval '1 day'`;
const ofTicket = sql`t.instance = kept.instance and t.entity = kept.entity and t.external_id = kept.ticket`;

/**
 * Actions that were never carried are forgotten after 7 days; content after its link's retention.
 * Returns the digests of files that nothing refers to any more.
 */
export async function purge(db: Db): Promise<string[]> {
  await db.execute(
    sql`delete from actions where id in (
      select kept.id from actions kept where kept.reason is not null and kept.logged_at < now() - interval '7 days'
        and not exists (select 1 from tickets t where ${ofTicket} and t.snapshot is not null and not ${isPassed})
      limit ${batch})`,
  );
  // Those that have to stay keep their ids alone.
  await db.execute(
    sql`update actions set note = null, author = null, words = null, attachments = '[]' where id in (
      select a.id from actions a where a.reason is not null and a.logged_at < now() - interval '7 days'
        and a.words is not null limit ${batch})`,
  );
  await db.execute(
    sql`delete from written_ids where (instance, entity, ticket, external_id) in (
      select kept.instance, kept.entity, kept.ticket, kept.external_id from written_ids kept
      where kept.at < now() - interval '90 days' and exists (select 1 from tickets t where ${ofTicket} and ${isPassed})
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
      )
      -- What was promised to a peer, or left the desk before, is content too.
      update deliveries d set sent = null, constant = null from emptied
      where d.action = emptied.id and (d.sent is not null or d.constant is not null)`,
  );
  const freed = await rows<{ sha256: string }>(
    db,
    sql`with expired as (
        delete from attachments f using actions a where a.id = f.action and a.words is null returning f.sha256
      )
      select distinct e.sha256 from expired e
      where e.sha256 is not null and not exists (
        select 1 from attachments kept join actions a on a.id = kept.action
        where kept.sha256 = e.sha256 and a.words is not null)
        and not exists (select 1 from uploads u where u.sha256 = e.sha256)`,
  );
  return freed.map((row) => row.sha256);
}

/** Makes this and the next month's partition of `attempts`; what is there stays. */
export async function ensurePartitions(db: Db): Promise<void> {
  await db.execute(sql`
    do $$
    declare
      month date;
    begin
      for month in select date_trunc('month', now() + make_interval(months => ahead))::date from generate_series(1, 2) ahead loop
        execute format('create table if not exists attempts_%s partition of attempts for values from (%L) to (%L)',
          to_char(month, 'YYYY_MM'), month, (month + interval '1 month')::date);
      end loop;
    end $$`);
}

export type Overdue = { readonly id: string; readonly link: string; readonly ticket: string };

/** Escalations that have opened nothing in time; each is returned, and told, once. */
export async function claimOverdue(db: Db, overdueMs: number): Promise<Overdue[]> {
  return rows<Overdue>(
    db,
    sql`update mirrors set overdue_told_at = now()
      where id in (
        select id from mirrors where state = 'opening' and overdue_told_at is null
          and created_at < now() - make_interval(secs => ${overdueMs / 1000})
        limit 100 for update skip locked)
      returning id, link, coalesce(first_number, first_ticket) as ticket`,
  );
}

export async function tellOverdue(db: Db, overdue: Overdue, text: string): Promise<void> {
  await raiseNotice(db, { link: overdue.link, cause: `overdue/${overdue.id}`, text: `${overdue.ticket}: ${text}` });
}

export async function notifyTargets(db: Db, link: string): Promise<readonly NotifyTarget[]> {
  const [row] = await rows<{ notify: readonly NotifyTarget[] | null }>(
    db,
    sql`select settings->'notify' as notify from links where id = ${link}`,
  );
  return row?.notify ?? [];
}
