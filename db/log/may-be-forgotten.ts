/**
 * Whether this database may have forgotten what it wrote: it was found to be older than it was, and what waits since is
 * not all looked for at its desks yet.
 */
import { sql, type SQL } from 'drizzle-orm';

/** A lane that is held for so long no longer keeps anybody's actions from being read. */
const mostDays = 7;

/** Of one instance; nearly always nothing is in quarantine and nothing was resumed lately, and two indexes say so. */
export function mayBeForgotten(instance: SQL): SQL {
  return sql`(exists (
      select 1 from links l join sides s on s.link = l.id and s.instance = ${instance} where l.state = 'quarantined'
    ) or exists (
      select 1 from links l
        join sides s on s.link = l.id and s.instance = ${instance}
        join lanes n on n.link = l.id and n.to_instance = ${instance} and n.due_at is not null
        join deliveries d on d.mirror = n.mirror and d.to_instance = n.to_instance
          and d.outcome is null and d.accepted_at is null and d.set_aside_at is null
        join actions a on a.id = d.action
      where l.resumed_at > now() - make_interval(days => ${mostDays}) and a.logged_at <= l.resumed_at
    ))`;
}
