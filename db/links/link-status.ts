/** The state of links, with whom to call at the other side. */
import { sql } from 'drizzle-orm';
import type { RemoteType } from '#core/words/reach.ts';
import type { Reason, SideName } from '#core/words/vocabulary.ts';
import type { LinkState, WireContact, WireLink } from '#core/wire.ts';
import { rows, type Db } from '#db/base/client.ts';
import { typeIsRemote } from '#db/base/reach.ts';
import { iso } from '#db/base/iso.ts';
import type { Check } from './pairings.ts';

export type LinkStanding = {
  readonly id: string;
  readonly state: LinkState;
  readonly reason: Reason | null;
  /** Where it is paused: by whom, and until when; else null. */
  readonly suspendedBy: string | null;
  readonly suspendedUntil: string | null;
  readonly mode: string;
  readonly customer: string;
  readonly supplier: string;
  /** The side that another gateway or an API client speaks for; null if this gateway drives both. */
  readonly far: SideName | null;
  readonly farType: RemoteType | null;
  readonly farContact: WireContact | null;
  readonly ownContact: WireContact | null;
  readonly issuer: string | null;
  readonly farLink: string | null;
  /** The other side's last report about the link, and when it was received; null since our end has changed. */
  readonly said: WireLink | null;
  readonly saidAt: string | null;
  /** Deliveries that have not ended. */
  readonly waiting: number;
  readonly open: number;
  readonly pairing: {
    readonly state: string;
    readonly side: SideName;
    readonly checks: readonly Check[];
    readonly expiresAt: string;
  } | null;
  /** Ids of its clients that may call. */
  readonly clients: readonly string[];
};

/** @param link restricts the result to this one */
export async function linkStandings(db: Db, link?: string): Promise<LinkStanding[]> {
  return rows<LinkStanding>(
    db,
    sql`select l.id, l.state, l.state_reason as reason, l.suspended_by as "suspendedBy", ${iso('l.suspended_until')} as "suspendedUntil", l.settings->>'mode' as mode, c.instance as customer, s.instance as supplier,
        case when ${typeIsRemote('ci.type')} then 'customer' when ${typeIsRemote('si.type')} then 'supplier' end as far,
        case when ${typeIsRemote('ci.type')} then ci.type when ${typeIsRemote('si.type')} then si.type end as "farType",
        l.far_contact as "farContact", l.own_contact as "ownContact", p.issuer, p.far_link as "farLink",
        case when p.said->>'stale' is null then p.said end as said,
        ${iso('p.said_at')} as "saidAt",
        (select count(*)::int from deliveries d join mirrors m on m.id = d.mirror
          where m.link = l.id and d.outcome is null) as waiting,
        (select count(*)::int from mirrors m where m.link = l.id and m.state in ('opening', 'open')) as open,
        (select json_build_object('state', a.state, 'side', a.side, 'checks', a.checks, 'expiresAt', a.expires_at) from pairings a
          where a.link = l.id order by a.created_at desc, a.id desc limit 1) as pairing,
        coalesce((select json_agg(k.id order by k.created_at) from clients k where k.link = l.id and k.revoked_at is null), '[]'::json) as clients
      from links l
      join sides c on c.link = l.id and c.place = 'first' join instances ci on ci.id = c.instance
      join sides s on s.link = l.id and s.place = 'second' join instances si on si.id = s.instance
      left join peers p on p.link = l.id
      ${link === undefined ? sql`` : sql`where l.id = ${link}`}
      order by l.id`,
  );
}

export type OpenInvitation = {
  readonly link: string;
  readonly side: SideName;
  readonly instance: string;
  readonly expiresAt: string;
};

/** Lists codes that nobody has used yet. */
export async function openInvitations(db: Db): Promise<OpenInvitation[]> {
  return rows<OpenInvitation>(
    db,
    sql`select link, side, instance, ${iso('expires_at')} as "expiresAt" from pairings
      where state = 'invited' and expires_at > now() order by created_at`,
  );
}

/** Counts a link's deliveries that have not ended. */
export async function waitingOn(db: Db, link: string): Promise<number> {
  const [row] = await rows<{ n: number }>(
    db,
    sql`select count(*)::int as n from deliveries d join mirrors m on m.id = d.mirror where m.link = ${link} and d.outcome is null`,
  );
  return row?.n ?? 0;
}
