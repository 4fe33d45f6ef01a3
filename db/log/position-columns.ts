/** Positions of tickets in queries; `t` and `i` are the aliases of tickets and instances. */
import { sql, type SQL } from 'drizzle-orm';
import type { From } from '#core/log/position.ts';

const parts = sql`'floor', t.floor, 'mark', t.mark,
  'high', case when t.high is not null then jsonb_build_object('id', t.high, 'since', t.high_since) end`;

/** Selects a Position. */
export const positionColumn: SQL = sql`jsonb_build_object(${parts})`;

/** Selects a From, as FromRow. @param entity of the record, a value or a column */
export function fromColumn(entity: SQL): SQL {
  return sql`jsonb_build_object(${parts}, 'isNew', t.cursor is null and t.floor is null, 'isMissing', t.missing_since is not null, 'liveAfter', i.live_after, 'now', clock_timestamp(),
    'since', coalesce(t.cursor, greatest(i.live_since, case when ${entity} = 'ticket' then i.forgotten_to end)))`;
}

export type FromRow = Omit<From, 'asked'> & { readonly now: string };

/** Converts a row that a query has just returned. */
export function fromOf({ now, ...from }: FromRow): From {
  return { ...from, asked: { at: now, steadyMs: performance.now() } };
}
