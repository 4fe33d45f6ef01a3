/** What watchers do with hints. A hint is claimed by deleting it; one made meanwhile is another. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import { textArray } from '#db/base/text-array.ts';
import type { Hint } from './hint.ts';

/** Due after `delayMs`; an earlier one for the same record stays. */
export async function scheduleHint(db: Db, { instance, entity, externalId }: Hint, delayMs: number): Promise<void> {
  await db.execute(
    sql`insert into hints (instance, entity, ticket, due_at)
      values (${instance}, ${entity}, ${externalId}, now() + make_interval(secs => ${delayMs / 1000}))
      on conflict (instance, entity, ticket) do update set due_at = least(hints.due_at, excluded.due_at)`,
  );
}

export type ClaimedHint = Hint & {
  /** Where a read of the record starts: its cursor, else go-live. */
  readonly since: string | null;
};

export type Claimed = {
  readonly hints: readonly ClaimedHint[];
  /** Milliseconds until the next hint that is not due yet; null where there is none. */
  readonly nextHintMs: number | null;
  /** Milliseconds until the next feed is to be asked; null where there is none. */
  readonly nextPollMs: number | null;
};

/** What is due now, and when to look again; of the entities that the caller reads, others are left alone. */
export async function claimHints(db: Db, entities: readonly string[], limit: number): Promise<Claimed> {
  const read = textArray(entities);
  const [row] = await rows<{ hints: ClaimedHint[] | null; hint_ms: number | null; poll_ms: number | null }>(
    db,
    sql`with claimed as (
        delete from hints where (instance, entity, ticket) in (
          select instance, entity, ticket from hints where due_at <= now() and entity = any(${read})
          order by due_at limit ${limit} for update skip locked)
        returning instance, entity, ticket
      )
      select
        (select json_agg(json_build_object('instance', c.instance, 'entity', c.entity, 'externalId', c.ticket,
            'since', to_json(coalesce(t.cursor, i.live_since))#>>'{}'))
          from claimed c
          left join tickets t on t.instance = c.instance and t.entity = c.entity and t.external_id = c.ticket
          left join instances i on i.id = c.instance) as hints,
        (select extract(epoch from min(due_at) - now()) * 1000 from hints where due_at > now() and entity = any(${read}))::float8 as hint_ms,
        (select extract(epoch from min(next_poll_at) - now()) * 1000 from feeds where entity = any(${read}))::float8 as poll_ms`,
  );
  return {
    hints: row?.hints ?? [],
    nextHintMs: row?.hint_ms ?? null,
    nextPollMs: row?.poll_ms == null ? null : Math.max(row.poll_ms, 0),
  };
}
