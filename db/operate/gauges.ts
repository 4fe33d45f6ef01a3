/** Figures about Ferry's state for monitoring. The cost does not grow with history. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';

export type InstanceGauges = {
  readonly instance: string;
  readonly state: string;
  /** Deliveries that wait for it on active links, and the age of the oldest; seconds. */
  readonly waiting: number;
  readonly oldest: number;
  /** Lanes with something to carry, and those of them that are due now. */
  readonly lanes: number;
  readonly due: number;
  /** Time since its feed was read; null if it never was, or has none. Seconds. */
  readonly unread: number | null;
};

export type LinkGauges = {
  readonly link: string;
  readonly state: string;
  readonly opening: number;
  readonly open: number;
  readonly paused: number;
  readonly held: number;
};

export type Gauges = {
  readonly instances: readonly InstanceGauges[];
  readonly links: readonly LinkGauges[];
  readonly hints: number;
  /** Notices that have not been cleared. */
  readonly notices: number;
};

export async function loadGauges(db: Db): Promise<Gauges> {
  const [instances, links, [counts]] = await Promise.all([instanceGauges(db), linkGauges(db), countGauges(db)]);
  return { instances, links, hints: counts?.hints ?? 0, notices: counts?.notices ?? 0 };
}

/** Deliveries that wait for somebody are counted as held, as paused, or by the state of their link. */
function instanceGauges(db: Db): Promise<InstanceGauges[]> {
  return rows<InstanceGauges>(
    db,
    sql`with waiting as (
        select d.to_instance, count(*) as deliveries, min(d.created_at) as oldest
        from deliveries d
        join mirrors m on m.id = d.mirror and m.paused_at is null
        join links l on l.id = m.link and l.state = 'active'
        where d.outcome is null and d.accepted_at is null and d.set_aside_at is null
          and (d.held_at is null or d.released_at is not null)
        group by d.to_instance
      ), lanes as (
        select to_instance, count(*) as all, count(*) filter (where due_at <= now()) as due
        from lanes where due_at is not null group by to_instance
      )
      select i.id as instance, i.state, coalesce(w.deliveries, 0)::float8 as waiting,
        coalesce(extract(epoch from now() - w.oldest), 0)::float8 as oldest,
        coalesce(l.all, 0)::float8 as lanes, coalesce(l.due, 0)::float8 as due,
        extract(epoch from now() - f.read_at)::float8 as unread
      from instances i
      left join waiting w on w.to_instance = i.id
      left join lanes l on l.to_instance = i.id
      left join (select instance, min(read_at) as read_at from feeds group by instance) f on f.instance = i.id`,
  );
}

function linkGauges(db: Db): Promise<LinkGauges[]> {
  return rows<LinkGauges>(
    db,
    sql`with live as (
        select link, count(*) filter (where state = 'opening') as opening, count(*) filter (where state = 'open') as open,
          count(*) filter (where paused_at is not null) as paused
        from mirrors where state in ('opening', 'open') group by link
      ), held as (
        select m.link, count(*) as held from deliveries d join mirrors m on m.id = d.mirror
        where d.outcome is null and d.held_at is not null and d.released_at is null group by m.link
      )
      select l.id as link, l.state, coalesce(live.opening, 0)::float8 as opening, coalesce(live.open, 0)::float8 as open,
        coalesce(live.paused, 0)::float8 as paused, coalesce(held.held, 0)::float8 as held
      from links l left join live on live.link = l.id left join held on held.link = l.id
      where l.state <> 'closed'`,
  );
}

function countGauges(db: Db): Promise<{ hints: number; notices: number }[]> {
  return rows(
    db,
    sql`select (select count(*) from hints)::float8 as hints,
      (select count(*) from notices where cleared_at is null)::float8 as notices`,
  );
}
