/**
 * Tells whether this database may have lost writes on a link: it was found to be older than before, and the search at
 * its desks is not complete.
 */
import { sql, type SQL } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import { textArray } from '#db/base/text-array.ts';

/** A delivery held for this long no longer keeps anybody's actions from being read. */
const mostDays = 7;

/**
 * For the link `l`: the search is not complete. What we wrote at an instance came from the other side, or reported on
 * what went there: so both lanes must have been processed, and the other side read.
 */
const isLookedFor = sql`(l.state in ('active', 'closing') and exists (
    select 1 from sides e where e.link = l.id and (
      exists (
        select 1 from feeds f
        where f.instance = e.instance and f.instance <> asked.instance and (f.read_at is null or f.read_at <= l.resumed_at)
      ) or exists (
        select 1 from lanes n
          join deliveries d on d.mirror = n.mirror and d.to_instance = n.to_instance
            and d.outcome is null and d.accepted_at is null and d.set_aside_at is null
          join actions a on a.id = d.action
        where n.link = l.id and n.to_instance = e.instance and n.due_at is not null
          and (a.logged_at <= l.resumed_at or a.at <= l.resumed_at)
      )
    )))`;

/** For the link `l`. */
const isForgotten = sql`(l.state = 'quarantined'
  or (l.resumed_at > now() - make_interval(days => ${sql.raw(String(mostDays))}) and ${isLookedFor}))`;

/**
 * For any instance. Nearly always nothing is in quarantine and nothing was resumed recently, which two indexes answer.
 */
export const mayAnyBeForgotten: SQL = sql`(exists (select 1 from links where state = 'quarantined')
  or exists (select 1 from links where resumed_at > now() - make_interval(days => ${sql.raw(String(mostDays))})))`;

export type Forgotten = {
  /** On any link of the instance. */
  readonly any: boolean;
  /** The requested links on which it applies, seen from the instance. */
  readonly links: readonly string[];
};

/** Answers for each of the instances; only called if `mayAnyBeForgotten`. */
export async function forgottenAt(
  db: Db,
  instances: readonly string[],
  links: readonly string[],
): Promise<Map<string, Forgotten>> {
  const found = await rows<{ instance: string; any: boolean; links: string[] | null }>(
    db,
    sql`select asked.instance, exists (
        select 1 from links l join sides s on s.link = l.id and s.instance = asked.instance where ${isForgotten}
      ) as "any", (
        select json_agg(l.id) from links l where l.id = any(${textArray(links)}) and ${isForgotten}
      ) as links
      from unnest(${textArray(instances)}) as asked (instance)`,
  );
  return new Map(found.map((row) => [row.instance, { any: row.any, links: row.links ?? [] }]));
}
