/** What watchers do with hints. A hint is claimed by deleting it; one made meanwhile is another. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import type { Hint } from './hint.ts';

/** Due after `delayMs`; an earlier one for the same ticket stays. */
export async function scheduleHint(db: Db, instance: string, ticket: string, delayMs: number): Promise<void> {
  await db.execute(
    sql`insert into hints (instance, ticket, due_at) values (${instance}, ${ticket}, now() + make_interval(secs => ${delayMs / 1000}))
      on conflict (instance, ticket) do update set due_at = least(hints.due_at, excluded.due_at)`,
  );
}

export type ClaimedHint = Hint & {
  /** Where a read of the ticket starts: its cursor, else go-live. */
  readonly since: string | null;
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
      )
      select
        (select json_agg(json_build_object('instance', c.instance, 'ticket', c.ticket,
            'since', to_json(coalesce(t.cursor, i.live_since))#>>'{}'))
          from claimed c
          left join tickets t on t.instance = c.instance and t.kind = 'ticket' and t.external_id = c.ticket
          left join instances i on i.id = c.instance) as hints,
        (select extract(epoch from min(due_at) - now()) * 1000 from hints where due_at > now())::float8 as hint_ms,
        (select extract(epoch from min(next_poll_at) - now()) * 1000 from feeds)::float8 as poll_ms`,
  );
  return {
    hints: row?.hints ?? [],
    nextHintMs: row?.hint_ms ?? null,
    nextPollMs: row?.poll_ms == null ? null : Math.max(row.poll_ms, 0),
  };
}
