/**
 * How watchers take hints and deferred reads. A hint is claimed by deleting it; one made in the meantime is a new one.
 */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import { textArray } from '#db/base/text-array.ts';
import type { From } from '#core/log/position.ts';
import type { Hint } from './hint.ts';
import { fromColumn } from './position-columns.ts';

/** A claim whose watcher has died is claimed again after this long. Seconds. */
const claimSeconds = 15;

/** Instances in quarantine are not read. */
const isRead = sql`instance not in (select id from instances where quarantined_at is not null)`;

/** Makes the record be read again after `delayMs`, whatever is lost or killed until then. */
export async function scheduleHint(db: Db, { instance, entity, externalId }: Hint, delayMs: number): Promise<void> {
  await db.execute(
    sql`insert into put_off (instance, entity, ticket, due_at)
      values (${instance}, ${entity}, ${externalId}, now() + make_interval(secs => ${delayMs / 1000}))
      on conflict (instance, entity, ticket) do update set due_at = least(put_off.due_at, excluded.due_at), times = put_off.times + 1`,
  );
}

/** Defers a record whose read failed for longer. A read that was scheduled in the meantime keeps its time. */
export async function putOffAgain(db: Db, { instance, entity, externalId }: Hint, delayMs: number): Promise<void> {
  await db.execute(
    sql`update put_off set times = times + 1, due_at = now() + make_interval(secs => ${delayMs / 1000})
      where instance = ${instance} and entity = ${entity} and ticket = ${externalId}`,
  );
}

/** Removes a deferred read that succeeded, unless it was scheduled again since it was claimed. */
export async function readAfterAll(db: Db, { instance, entity, externalId }: Hint, times: number): Promise<void> {
  await db.execute(
    sql`delete from put_off
      where instance = ${instance} and entity = ${entity} and ticket = ${externalId} and times = ${times}`,
  );
}

/**
 * Tells whether something has waited for a watcher for longer than `ms`, so that no watcher is running or none makes
 * progress.
 */
export async function isUnwatched(db: Db, entities: readonly string[], ms: number): Promise<boolean> {
  const read = textArray(entities);
  const before = sql`now() - make_interval(secs => ${ms / 1000})`;
  const [row] = await rows<{ waits: boolean }>(
    db,
    sql`select exists (select 1 from hints where due_at < ${before} and entity = any(${read}) and ${isRead})
      or exists (select 1 from feeds where next_poll_at < ${before} and entity = any(${read}) and ${isRead}) as waits`,
  );
  return row?.waits === true;
}

export type ClaimedHint = Hint & {
  /** Where a read of the record begins. */
  readonly from: From;
  /** For a deferred read: how often it was deferred. Absent for a plain hint. */
  readonly times?: number;
};

export type Claimed = {
  readonly hints: readonly ClaimedHint[];
  /** Milliseconds until the next hint that is not due yet; null if there is none. */
  readonly nextHintMs: number | null;
  /** Milliseconds until the next feed is due; null if there is none. */
  readonly nextPollMs: number | null;
};

/** Claims what is due now and tells when to look again. Other entities than the caller's are left alone. */
export async function claimHints(db: Db, entities: readonly string[], limit: number): Promise<Claimed> {
  const read = textArray(entities);
  const [row] = await rows<{ hints: Row[] | null; hint_ms: number | null; poll_ms: number | null }>(
    db,
    sql`with claimed as (
        delete from hints where (instance, entity, ticket) in (
          select instance, entity, ticket from hints where due_at <= now() and entity = any(${read}) and ${isRead}
          order by due_at limit ${limit} for update skip locked)
        returning instance, entity, ticket
      ), again as (
        update put_off set due_at = now() + make_interval(secs => ${claimSeconds}) where (instance, entity, ticket) in (
          select instance, entity, ticket from put_off where due_at <= now() and entity = any(${read}) and ${isRead}
          order by due_at limit ${limit} for update skip locked)
        returning instance, entity, ticket, times
      )
      select
        (select json_agg(json_build_object('instance', c.instance, 'entity', c.entity, 'externalId', c.ticket, 'times', c.times,
            'from', ${fromColumn(sql`c.entity`)}))
          from (select instance, entity, ticket, null::int as times from claimed union all select * from again) c
          left join tickets t on t.instance = c.instance and t.entity = c.entity and t.external_id = c.ticket
          left join instances i on i.id = c.instance) as hints,
        (select extract(epoch from min(due_at) - now()) * 1000 from (
          select due_at, entity from hints union all select due_at, entity from put_off
        ) waiting where due_at > now() and entity = any(${read}))::float8 as hint_ms,
        (select extract(epoch from min(next_poll_at) - now()) * 1000 from feeds where entity = any(${read}) and ${isRead})::float8 as poll_ms`,
  );
  return {
    hints: each(row?.hints ?? []),
    nextHintMs: row?.hint_ms ?? null,
    nextPollMs: row?.poll_ms == null ? null : Math.max(row.poll_ms, 0),
  };
}

type Row = Omit<ClaimedHint, 'times'> & { readonly times: number | null };

/** Merges a deferred read and a hint for the same record into one read. */
function each(claimed: readonly Row[]): ClaimedHint[] {
  const found = new Map<string, ClaimedHint>();
  for (const { times, ...hint } of claimed) {
    const key = JSON.stringify([hint.instance, hint.entity, hint.externalId]);
    if (times !== null) found.set(key, { ...hint, times });
    else if (!found.has(key)) found.set(key, hint);
  }
  return [...found.values()];
}
