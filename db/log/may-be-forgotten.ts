/**
 * Whether this database may have forgotten what it wrote on a link: it was found to be older than it was, and what waits
 * since is not all looked for at its desks yet.
 */
import { sql, type SQL } from 'drizzle-orm';

/** What is held for so long no longer keeps anybody's actions from being read. */
const mostDays = 7;

/**
 * On any link of an instance. Nearly always nothing is in quarantine and nothing was resumed lately, and two indexes say
 * so.
 */
export function mayBeForgotten(instance: SQL): SQL {
  return sql`(exists (
      select 1 from links l join sides s on s.link = l.id and s.instance = ${instance} where l.state = 'quarantined'
    ) or exists (
      select 1 from links l join sides s on s.link = l.id and s.instance = ${instance}
      where l.resumed_at > now() - make_interval(days => ${mostDays}) and ${isLookedFor(instance)}
    ))`;
}

/** Which of these links it is, seen from the instance; null: none. `links`: a query of their ids. */
export function linksForgotten(links: SQL, instance: SQL): SQL {
  return sql`(select json_agg(l.id) from links l where l.id in (${links}) and (
      l.state = 'quarantined'
      or (l.resumed_at > now() - make_interval(days => ${mostDays}) and ${isLookedFor(instance)})
    ))`;
}

/**
 * Of the link `l`. What we wrote at an instance came from the other side, or tells what became of what went there: so
 * both lanes count, and that the other side was read.
 */
function isLookedFor(instance: SQL): SQL {
  return sql`l.state in ('active', 'closing') and exists (
    select 1 from sides e where e.link = l.id and (
      exists (
        select 1 from feeds f
        where f.instance = e.instance and f.instance <> ${instance} and (f.read_at is null or f.read_at <= l.resumed_at)
      ) or exists (
        select 1 from lanes n
          join deliveries d on d.mirror = n.mirror and d.to_instance = n.to_instance
            and d.outcome is null and d.accepted_at is null and d.set_aside_at is null
          join actions a on a.id = d.action
        where n.link = l.id and n.to_instance = e.instance and n.due_at is not null
          and (a.logged_at <= l.resumed_at or a.at <= l.resumed_at)
      )
    ))`;
}
