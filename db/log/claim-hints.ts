/**
 * What watchers do with hints and with what was put off. A hint is claimed by deleting it; one made meanwhile is another.
 */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import type { Hint } from './hint.ts';

/** What is claimed and not read, because its watcher is gone, is claimed again after this long. Seconds. */
const claimSeconds = 15;

/** The ticket is read again after `delayMs`, whatever is lost or killed until then. */
export async function putOffReading(db: Db, instance: string, ticket: string, delayMs: number): Promise<void> {
  await db.execute(
    sql`insert into put_off (instance, ticket, due_at) values (${instance}, ${ticket}, now() + make_interval(secs => ${delayMs / 1000}))
      on conflict (instance, ticket) do update set due_at = least(put_off.due_at, excluded.due_at), times = put_off.times + 1`,
  );
}

/** It was read. What was put off since it was claimed stays. */
export async function readAfterAll(db: Db, instance: string, ticket: string, times: number): Promise<void> {
  await db.execute(sql`delete from put_off where instance = ${instance} and ticket = ${ticket} and times = ${times}`);
}

/** Whether something waits for a watcher for longer than `ms`: no watcher is at work, or none that gets anywhere. */
export async function isUnwatched(db: Db, ms: number): Promise<boolean> {
  const before = sql`now() - make_interval(secs => ${ms / 1000})`;
  const [row] = await rows<{ waits: boolean }>(
    db,
    sql`select exists (select 1 from hints where due_at < ${before})
      or exists (select 1 from feeds where next_poll_at < ${before}) as waits`,
  );
  return row?.waits === true;
}

export type ClaimedHint = Hint & {
  /** Where a read of the ticket starts: its cursor, else go-live. */
  readonly since: string | null;
  /** Of one whose reading was put off: how often. Null for a mere hint. */
  readonly times: number | null;
};

export type Claimed = {
  readonly hints: readonly ClaimedHint[];
  /** Milliseconds until the next hint that is not due yet; null where there is none. */
  readonly nextHintMs: number | null;
  /** Milliseconds until the next feed is to be asked; null where there is none. */
  readonly nextPollMs: number | null;
};

/** What is due now, and when to look again. */
export async function claimHints(db: Db, limit: number): Promise<Claimed> {
  const [row] = await rows<{ hints: ClaimedHint[] | null; hint_ms: number | null; poll_ms: number | null }>(
    db,
    sql`with claimed as (
        delete from hints where (instance, ticket) in (
          select instance, ticket from hints where due_at <= now() order by due_at limit ${limit} for update skip locked)
        returning instance, ticket
      ), again as (
        update put_off set due_at = now() + make_interval(secs => ${claimSeconds}) where (instance, ticket) in (
          select instance, ticket from put_off where due_at <= now() order by due_at limit ${limit} for update skip locked)
        returning instance, ticket, times
      )
      select
        (select json_agg(json_build_object('instance', c.instance, 'ticket', c.ticket, 'times', c.times,
            'since', to_json(coalesce(t.cursor, greatest(i.live_since, i.forgotten_to)))#>>'{}'))
          from (select instance, ticket, null::int as times from claimed union all select * from again) c
          left join tickets t on t.instance = c.instance and t.kind = 'ticket' and t.external_id = c.ticket
          left join instances i on i.id = c.instance) as hints,
        (select extract(epoch from min(due_at) - now()) * 1000 from (
          select due_at from hints union all select due_at from put_off) waiting where due_at > now())::float8 as hint_ms,
        (select extract(epoch from min(next_poll_at) - now()) * 1000 from feeds)::float8 as poll_ms`,
  );
  return {
    hints: row?.hints ?? [],
    nextHintMs: row?.hint_ms ?? null,
    nextPollMs: row?.poll_ms == null ? null : Math.max(row.poll_ms, 0),
  };
}
