/** Notices for people, grouped by cause, with an all-clear. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from './client.ts';
import { content } from './content.ts';

export type Notice = { readonly link: string; readonly cause: string; readonly text: string };

/** Raises a notice; a repeat only increases its count. The contact at the other side is appended if there is one. */
export async function raiseNotice(db: Db, notice: Notice): Promise<void> {
  await db.execute(
    sql`insert into notices (link, cause, text) values (${notice.link}, ${notice.cause}, ${content('notice', notice.text)}::text || coalesce(
        (select ' On duty at the other side: ' || concat_ws(', ', nullif(far_contact->>'name', ''), far_contact->>'email', far_contact->>'phone') || '.'
          from links where id = ${notice.link} and far_contact is not null), ''))
      on conflict (link, cause) where cleared_at is null
      do update set count = notices.count + 1, last_at = now()`,
  );
}

export async function clearNotices(db: Db, link: string, cause: string): Promise<void> {
  await db.execute(
    sql`update notices set cleared_at = now() where link = ${link} and cause = ${cause} and cleared_at is null`,
  );
}

/** Clears the notices about held deliveries once nothing of the mirror is held. */
export async function clearHeld(db: Db, link: string, mirror: string): Promise<void> {
  await db.execute(
    sql`update notices set cleared_at = now()
      where link = ${link} and cleared_at is null and cause like ${`held/${mirror}/%`}
        and not exists (select 1 from deliveries where mirror = ${mirror} and outcome is null
          and (held_at is not null or set_aside_at is not null))`,
  );
}

export type UnannouncedNotice = {
  readonly id: string;
  readonly link: string;
  readonly cause: string;
  readonly text: string;
  readonly count: number;
  readonly first_at: string;
  readonly cleared: boolean;
};

/**
 * Claims notices and all-clears that nobody has been sent yet. They are marked as sent at once, so that two callers
 * never send the same one.
 */
export async function claimUnannounced(db: Db, limit: number): Promise<UnannouncedNotice[]> {
  return rows<UnannouncedNotice>(
    db,
    sql`update notices set
        told_at = coalesce(told_at, now()),
        clear_told_at = case when cleared_at is not null then now() end
      where id in (
        select id from notices
        where told_at is null or (cleared_at is not null and clear_told_at is null)
        order by last_at limit ${limit} for update skip locked)
      returning id, link, cause, text, count, to_json(first_at)#>>'{}' as first_at, cleared_at is not null as cleared`,
  );
}
