/** Ferry's state: instances, links, what waits and what is held. The cost does not grow with history. */
import { sql } from 'drizzle-orm';
import type { Severity } from '#core/lint/finding.ts';
import { reason } from '#core/words/reasons.ts';
import type { LinkMode, Reason } from '#core/words/vocabulary.ts';
import type { WireContact } from '#core/wire.ts';
import { rows } from '#db/base/client.ts';
import type { Db } from '#db/base/client.ts';
import { iso } from '#db/base/iso.ts';

export type InstanceStatus = {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly state: string;
  readonly reason: string | null;
  readonly since: string;
  /** Its desk was restored, and nobody has checked it yet: since when, and why. */
  readonly quarantined_at: string | null;
  readonly quarantine_reason: Reason | null;
  /** How far its clock runs ahead of ours, milliseconds; null until measured. */
  readonly clock_offset_ms: number | null;
  /** When deliveries to it are tried again; null: now. */
  readonly retry_at: string | null;
  readonly retry_reason: Reason | null;
  readonly last_poll: string | null;
  /** We read it; for other instances, somebody else sends us what is new. */
  readonly is_read: boolean;
  readonly lanes_waiting: number;
  /** Since when the oldest lane is due; null if none is. */
  readonly oldest_due: string | null;
};

export type LinkStatus = {
  readonly id: string;
  readonly state: string;
  readonly mode: LinkMode;
  readonly customer: string;
  readonly supplier: string;
  readonly opening: number;
  readonly open: number;
  readonly paused: number;
  /** Counts of deliveries that ended within 24 hours. */
  readonly applied: number;
  readonly skipped: number;
  readonly refused: number;
  readonly held: number;
  /** Why it is not active. */
  readonly reason: Reason | null;
  /** Where it is paused: by whom, and until when; else null. */
  readonly suspended_by: string | null;
  readonly suspended_until: string | null;
  /** Whom to call at the other side. */
  readonly contact: WireContact | null;
};

export type HeldStatus = {
  readonly id: string;
  readonly link: string;
  readonly to: string;
  readonly ticket: string;
  readonly since: string;
  readonly set_aside: boolean;
  readonly reason: Reason | null;
};

export type PausedStatus = {
  readonly mirror: string;
  readonly link: string;
  readonly ticket: string;
  readonly since: string;
  readonly reason: string | null;
};

/** A mirrored ticket that its desk does not show us. */
export type MissingStatus = {
  readonly instance: string;
  readonly link: string;
  readonly ticket: string;
  readonly since: string;
  readonly reason: Reason | null;
};

/** Deliveries that wait for an instance on active links. */
export type WaitingStatus = {
  readonly to: string;
  readonly link: string;
  readonly deliveries: number;
  /** Since when the oldest has been waiting. */
  readonly since: string;
  /** Tickets of the oldest, at most 5. */
  readonly tickets: readonly string[];
  /** What the oldest wait for, if known. */
  readonly reason: Reason | null;
};

/** Settings that no longer fit what a desk offers. */
export type RotStatus = {
  readonly link: string;
  /** Whether it could not be saved any more, or somebody should look. */
  readonly severity: Severity;
  readonly since: string;
  readonly text: string;
};

export type Status = {
  readonly instances: readonly InstanceStatus[];
  readonly links: readonly LinkStatus[];
  /** Those waiting longest, at most 50. */
  readonly held: readonly HeldStatus[];
  readonly paused: readonly PausedStatus[];
  readonly waiting: readonly WaitingStatus[];
  readonly hints: number;
  /** Those missing longest, at most 50. */
  readonly missing: readonly MissingStatus[];
  /** At most 50, the oldest first. */
  readonly rot: readonly RotStatus[];
};

export async function loadStatus(db: Db): Promise<Status> {
  return db.transaction(
    async (tx) => ({
      instances: await instanceStatus(tx),
      links: await linkStatus(tx),
      held: await heldStatus(tx),
      paused: await rows<PausedStatus>(
        tx,
        sql`select id as mirror, link, first_instance || ' ' || coalesce(first_number, first_ticket) as ticket,
            ${iso('paused_at')} as since, pause_reason as reason
          from mirrors where paused_at is not null and state in ('opening', 'open') order by paused_at limit 50`,
      ),
      waiting: await waitingStatus(tx),
      missing: await missingStatus(tx),
      rot: await rows<RotStatus>(
        tx,
        sql`select link, split_part(cause, '/', 2) as severity, ${iso('first_at')} as since, text from notices
          where cleared_at is null and cause like 'lint/%' order by first_at, cause limit 50`,
      ),
      hints: (await rows<{ count: number }>(tx, sql`select count(*)::int as count from hints`))[0]?.count ?? 0,
    }),
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

async function instanceStatus(db: Db): Promise<InstanceStatus[]> {
  return rows<InstanceStatus>(
    db,
    sql`select i.id, i.type, i.name, i.state, i.state_reason as reason, ${iso('i.state_since')} as since,
        ${iso('i.quarantined_at')} as quarantined_at, i.quarantine_reason, i.clock_offset_ms,
        case when c.retry_at > now() then ${iso('c.retry_at')} end as retry_at, c.reason as retry_reason,
        ${iso('f.read_at')} as last_poll, f.instance is not null as is_read, coalesce(w.lanes, 0)::int as lanes_waiting, w.oldest as oldest_due
      from instances i
      left join couriers c on c.instance = i.id
      left join (select instance, min(read_at) as read_at from feeds group by instance) f on f.instance = i.id
      left join (
        select to_instance, count(*) as lanes,
          ${iso('min(due_at) filter (where due_at <= now())')} as oldest
        from lanes where due_at is not null group by to_instance
      ) w on w.to_instance = i.id
      order by i.id`,
  );
}

/**
 * Ids are ordered by time, so the last day's deliveries are at the end of the primary key; one more day covers those
 * that waited.
 */
async function linkStatus(db: Db): Promise<LinkStatus[]> {
  return rows<LinkStatus>(
    db,
    sql`with recent as (
        select m.link, count(*) filter (where d.outcome = 'applied') as applied,
          count(*) filter (where d.outcome = 'skipped') as skipped,
          count(*) filter (where d.outcome = 'refused') as refused
        from deliveries d join mirrors m on m.id = d.mirror
        where d.id >= uuidv7(interval '-2 days') and d.kind <> 'receipt' and d.ended_at >= now() - interval '1 day'
        group by m.link
      ), held as (
        select m.link, count(*) as held from deliveries d join mirrors m on m.id = d.mirror
        where d.outcome is null and d.held_at is not null and d.released_at is null group by m.link
      ), live as (
        select link, count(*) filter (where state = 'opening') as opening, count(*) filter (where state = 'open') as open,
          count(*) filter (where paused_at is not null) as paused
        from mirrors where state in ('opening', 'open') group by link
      )
      select l.id, l.state, l.settings->>'mode' as mode, c.instance as customer, s.instance as supplier,
        coalesce(live.opening, 0)::int as opening, coalesce(live.open, 0)::int as open, coalesce(live.paused, 0)::int as paused,
        coalesce(recent.applied, 0)::int as applied, coalesce(recent.skipped, 0)::int as skipped,
        coalesce(recent.refused, 0)::int as refused, coalesce(held.held, 0)::int as held,
        l.state_reason as reason, l.suspended_by, ${iso('l.suspended_until')} as suspended_until, l.far_contact as contact
      from links l
      join sides c on c.link = l.id and c.place = 'first'
      join sides s on s.link = l.id and s.place = 'second'
      left join recent on recent.link = l.id
      left join held on held.link = l.id
      left join live on live.link = l.id
      order by l.id`,
  );
}

async function heldStatus(db: Db): Promise<HeldStatus[]> {
  return rows<HeldStatus>(
    db,
    sql`select d.id, m.link, d.to_instance as to, ${iso('d.held_at')} as since, d.set_aside_at is not null as set_aside, d.reason,
        case when d.to_instance = m.second_instance
          then m.first_instance || ' ' || coalesce(m.first_number, m.first_ticket)
          else m.second_instance || ' ' || coalesce(m.second_number, m.second_ticket, '?') end as ticket
      from deliveries d join mirrors m on m.id = d.mirror
      where d.outcome is null and d.held_at is not null and d.released_at is null
      order by d.held_at limit 50`,
  );
}

async function missingStatus(db: Db): Promise<MissingStatus[]> {
  const found = await rows<Omit<MissingStatus, 'reason'> & { readonly desk: string; readonly number: string }>(
    db,
    sql`select t.instance, m.link, i.name as desk, ${iso('t.missing_since')} as since,
        t.instance || ' ' || case when m.first_instance = t.instance and m.first_ticket = t.external_id
          then coalesce(m.first_number, m.first_ticket) else coalesce(m.second_number, m.second_ticket) end as ticket,
        t.external_id as number
      from tickets t join instances i on i.id = t.instance
      join mirrors m on m.state in ('opening', 'open')
        and ((m.first_instance = t.instance and m.first_entity = t.entity and m.first_ticket = t.external_id)
          or (m.second_instance = t.instance and m.second_entity = t.entity and m.second_ticket = t.external_id))
      where t.missing_since is not null order by t.missing_since limit 50`,
  );
  return found.map(({ desk, number, ...one }) => ({ ...one, reason: reason('missing', { desk, number }) }));
}

async function waitingStatus(db: Db): Promise<WaitingStatus[]> {
  return rows<WaitingStatus>(
    db,
    sql`with waiting as (
        select d.to_instance, m.link, d.created_at, d.seq, d.reason,
          case when d.to_instance = m.second_instance
            then m.first_instance || ' ' || coalesce(m.first_number, m.first_ticket)
            else m.second_instance || ' ' || coalesce(m.second_number, m.second_ticket, '?') end as ticket
        from deliveries d
        join mirrors m on m.id = d.mirror and m.paused_at is null
        join links l on l.id = m.link and l.state = 'active'
        where d.outcome is null and d.accepted_at is null and d.set_aside_at is null
          and (d.held_at is null or d.released_at is not null)
      ), tickets as (
        select to_instance, link, ticket, count(*) as deliveries, min(created_at) as oldest,
          (array_agg(reason order by created_at) filter (where reason is not null))[1] as reason
        from waiting group by to_instance, link, ticket
      )
      select to_instance as to, link, sum(deliveries)::int as deliveries, ${iso('min(oldest)')} as since,
        (array_agg(ticket order by oldest))[1:5] as tickets,
        (array_agg(reason order by oldest) filter (where reason is not null))[1] as reason
      from tickets group by to_instance, link order by min(oldest)`,
  );
}
