/** Webhooks of API clients: their URLs, how far each has been notified, and when to retry. */
import { sql } from 'drizzle-orm';
import { raiseNotice } from '#db/base/notices.ts';
import { rows, type Db } from '#db/base/client.ts';

/** Returns the context that the secret is sealed for. */
export function webhookContext(link: string): string {
  return `webhooks/${link}/secret`;
}

/** Stores a webhook. It is also notified of entries that exist already, since they may be unread. */
export async function saveWebhook(db: Db, link: string, url: string, sealed: string): Promise<void> {
  await db.execute(
    sql`insert into webhooks (link, url, secret) values (${link}, ${url}, ${sealed})
      on conflict (link) do update set url = excluded.url, secret = excluded.secret, told_position = 0, failures = 0,
        retry_at = null, disabled_reason = null`,
  );
}

export async function deleteWebhook(db: Db, link: string): Promise<void> {
  await db.execute(sql`delete from webhooks where link = ${link}`);
}

export type DueWebhook = {
  readonly link: string;
  readonly url: string;
  /** Sealed. */
  readonly secret: string;
  /** The latest position that can be read. */
  readonly position: number;
  readonly failures: number;
};

/** Claims webhooks that have not been notified of the latest position; other callers leave them alone for a while. */
export async function claimWebhooks(db: Db, limit: number, claimMs: number): Promise<DueWebhook[]> {
  return rows<DueWebhook>(
    db,
    sql`update webhooks w set retry_at = now() + make_interval(secs => ${claimMs / 1000})
      from (
        select due.link, latest.position from webhooks due
        join links l on l.id = due.link and l.state in ('active', 'closing')
        cross join lateral (
          select max(position) as position from offers o where o.link = due.link and o.read_at is null
        ) latest
        where due.disabled_reason is null and (due.retry_at is null or due.retry_at <= now())
          and latest.position > due.told_position
        order by due.link limit ${limit} for update of due skip locked
      ) found
      where w.link = found.link
      returning w.link, w.url, w.secret, found.position::float8 as position, w.failures`,
  );
}

export async function webhookTold(db: Db, link: string, position: number): Promise<void> {
  await db.execute(
    sql`update webhooks set told_position = greatest(told_position, ${position}), failures = 0, retry_at = null where link = ${link}`,
  );
}

export async function webhookFailed(db: Db, link: string, retryMs: number): Promise<void> {
  await db.execute(
    sql`update webhooks set failures = failures + 1, retry_at = now() + make_interval(secs => ${retryMs / 1000}) where link = ${link}`,
  );
}

/** Disables a webhook until it is set again. */
export async function disableWebhook(db: Db, link: string, why: string): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute(sql`update webhooks set disabled_reason = ${why}, retry_at = null where link = ${link}`);
    await raiseNotice(tx, { link, cause: 'webhook', text: why });
  });
}
