/**
 * Answers what a peer or API client may ask about its own mirrors: the state of an action, of the ticket, and of lanes.
 */
import { sql } from 'drizzle-orm';
import { originOnWire } from '#core/conversation/to-wire.ts';
import type { Directory } from '#core/words/directory.ts';
import type { MirrorState } from '#core/words/mirror.ts';
import type { SideName, TicketSnapshot } from '#core/words/vocabulary.ts';
import { wireEntity, type WireStanding, type WireTicket } from '#core/wire.ts';
import { rows, type Db } from '#db/base/client.ts';
import { iso } from '#db/base/iso.ts';

/** `to`: our side, which is asked. */
export type StandingQuestion = { readonly link: string; readonly to: SideName; readonly mirror: string };

/** Ids are each origin's own: without the origin, the first action of that id is meant. */
export type ActionAsked = { readonly id: string; readonly origin: string | null; readonly directory: Directory };

export async function actionStanding(
  db: Db,
  { link, to, mirror }: StandingQuestion,
  { id: action, origin, directory }: ActionAsked,
): Promise<WireStanding | null> {
  const found = await rows<WireStanding & { readonly origin: string; readonly signed: string | null }>(
    db,
    sql`select coalesce(a.said_id, a.id) as id, coalesce(a.trace, '') as trace, a.origin, a.signed, d.outcome,
        case when d.outcome is null or d.reason is null then null else jsonb_build_object('code', d.reason->>'code') end as reason,
        ${iso('d.created_at')} as "acceptedAt",
        ${iso('d.ended_at')} as "endedAt", d.attempts
      from mirrors m
      join sides s on s.link = m.link and s.side = ${to}
      join deliveries d on d.mirror = m.id and d.to_instance = s.instance and d.kind in ('action', 'copy')
      join actions a on a.id = d.action
      where coalesce(m.said_id, m.id) = ${mirror} and (m.id = ${mirror} or m.said_id = ${mirror}) and m.link = ${link}
        and coalesce(a.said_id, a.id) = ${action} and (a.id = ${action} or a.said_id = ${action})
      order by d.seq limit 20`,
  );
  const meant = found.find((one) => origin === null || originOnWire(one, directory) === origin);
  if (meant === undefined) return null;
  const { origin: _origin, signed: _signed, ...standing } = meant;
  return standing;
}

export type MirrorStanding = {
  readonly mirror: string;
  readonly state: MirrorState;
  /** Our ticket. */
  readonly ticket: WireTicket | null;
  readonly accepted: number;
};

export async function mirrorStanding(db: Db, { link, to, mirror }: StandingQuestion): Promise<MirrorStanding | null> {
  const [row] = await rows<{
    id: string;
    state: MirrorState;
    entity: string;
    ticket: string | null;
    number: string | null;
    url: string | null;
    snapshot: TicketSnapshot | null;
    accepted: number;
  }>(
    db,
    sql`select seen.id, seen.state, seen.entity, seen.ticket, seen.number, seen.url, t.snapshot, seen.accepted from (
        select coalesce(m.said_id, m.id) as id, m.state, l.accepted_seq::float8 as accepted, s.instance,
          case when s.place = 'first' then m.first_entity else m.second_entity end as entity,
          case when s.place = 'first' then m.first_ticket else m.second_ticket end as ticket,
          case when s.place = 'first' then m.first_number else m.second_number end as number,
          case when s.place = 'first' then m.first_url else m.second_url end as url
        from mirrors m
        join sides s on s.link = m.link and s.side = ${to}
        join lanes l on l.mirror = m.id and l.to_instance = s.instance
        where coalesce(m.said_id, m.id) = ${mirror} and (m.id = ${mirror} or m.said_id = ${mirror}) and m.link = ${link}
      ) seen
      left join tickets t on t.instance = seen.instance and t.entity = seen.entity and t.external_id = seen.ticket`,
  );
  if (row === undefined) return null;
  const { ticket, snapshot } = row;
  return {
    mirror: row.id,
    state: row.state,
    accepted: row.accepted,
    ticket:
      ticket === null
        ? null
        : {
            id: ticket,
            ...wireEntity(row.entity),
            number: snapshot?.number ?? row.number ?? ticket,
            url: snapshot?.url ?? row.url ?? '',
            closed: snapshot?.closed ?? false,
          },
  };
}

export type LaneStanding = { readonly mirror: string; readonly accepted: number };

/** Lists the lanes to our side of the link, by mirror; `after` is the last mirror of the previous page. */
export async function laneStandings(
  db: Db,
  {
    link,
    to,
    after,
    limit,
  }: { readonly link: string; readonly to: SideName; readonly after: string | null; readonly limit: number },
): Promise<LaneStanding[]> {
  return rows<LaneStanding>(
    db,
    sql`select coalesce(m.said_id, m.id) as mirror, l.accepted_seq::float8 as accepted
      from sides s join mirrors m on m.link = s.link join lanes l on l.mirror = m.id and l.to_instance = s.instance
      where s.link = ${link} and s.side = ${to} and (${after}::uuid is null or coalesce(m.said_id, m.id) > ${after}::uuid)
      order by coalesce(m.said_id, m.id) limit ${limit}`,
  );
}
