/**
 * Operators' actions for the workers' log: a command may be run anywhere, and its own output is not where logs are
 * collected. Only one worker shows each entry: the one that gets its lock, held until all workers have looked.
 */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import { textArray } from '#db/base/text-array.ts';

export type AuditLine = {
  readonly id: string;
  /** Instant. */
  readonly at: string;
  readonly by: string;
  readonly what: string;
  /** `links/acme-north`, `deliveries/<id>` … */
  readonly on: string;
  readonly link: string | null;
  readonly tickets: readonly string[];
};

export type AuditTail = {
  /** Returns the entries that this process must show. */
  next(): Promise<readonly AuditLine[]>;
};

/** Workers look every few seconds, and transactions that began earlier may commit later. */
const lookBackMs = 30_000;
const lockedMs = 120_000;
/** After a period without any worker, at most this much of it is shown. */
const longestMs = 86_400_000;
const atOnce = 200;

/** @param db a pool of one connection, whose session holds the locks */
export function createAuditTail(db: Db, now: () => number = () => performance.now()): AuditTail {
  /** When each was seen, and whether its lock is ours. */
  const seen = new Map<string, { readonly at: number; readonly mine: boolean }>();
  let first = true;
  return {
    async next() {
      const found = await rows<AuditLine & { readonly mine: boolean }>(db, tailQuery(first, [...seen.keys()]));
      first &&= found.length === atOnce;
      for (const { id, mine } of found) seen.set(id, { at: now(), mine });
      const over = [...seen].filter(([, { at }]) => now() - at > lockedMs);
      await unlock(
        db,
        over.flatMap(([id, { mine }]) => (mine ? [id] : [])),
      );
      for (const [id] of over) seen.delete(id);
      return found.filter(({ mine }) => mine).map(({ mine: _mine, ...line }) => line);
    },
  };
}

/**
 * The first look begins where a worker last read something, so that entries made while none was running are shown too.
 */
function tailQuery(first: boolean, seen: readonly string[]) {
  const recent = sql`now() - make_interval(secs => ${lookBackMs / 1_000})`;
  const from = first
    ? sql`greatest(least(${recent}, (select max(read_at) from feeds)), now() - make_interval(secs => ${longestMs / 1_000}))`
    : recent;
  return sql`with entries as materialized (
      select a.id, a.at, a.by, a.what, a.subject from audit a
      where a.id >= uuidv7(${from} - now()) and a.id <> all(${textArray(seen)}::uuid[])
      order by a.id limit ${atOnce}
    ), about as materialized (
      select e.*, pg_try_advisory_lock(hashtextextended(e.id::text, 7203115)) as mine,
        (regexp_match(e.subject, '^deliver(?:y|ies)/([0-9a-f-]{36})$'))[1]::uuid as delivery,
        (regexp_match(e.subject, '^mirrors?/([0-9a-f-]{36})$'))[1]::uuid as mirror
      from entries e
    )
    select e.id, to_json(e.at)#>>'{}' as at, e.by, e.what, e.subject as on, e.mine,
      coalesce(m.link, (regexp_match(e.subject, '^links?/([^/]+)'))[1]) as link,
      array_remove(array[m.first_instance || ' ' || coalesce(m.first_number, m.first_ticket),
        m.second_instance || ' ' || coalesce(m.second_number, m.second_ticket)], null) as tickets
    from about e
    left join deliveries d on d.id = e.delivery
    left join mirrors m on m.id = coalesce(e.mirror, d.mirror)
    order by e.id`;
}

async function unlock(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await rows(
    db,
    sql`select pg_advisory_unlock(hashtextextended(id, 7203115)) from unnest(${textArray(ids)}) as over(id)`,
  );
}
