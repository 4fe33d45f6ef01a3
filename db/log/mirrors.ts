/** Mirrors with their two ends. Column names become vocabulary here and stay inside db. */
import { sql, type SQL } from 'drizzle-orm';
import type { Sign } from '#core/log/breaker.ts';
import { otherSide, type Ends } from '#core/words/ends.ts';
import type { InstanceType, LinkMode, Ref, SideName } from '#core/words/vocabulary.ts';
import { reopenDays, type CloseReason, type MirrorState, type MirrorView } from '#core/words/mirror.ts';
import type { LinkState } from '#core/wire.ts';
import { rows, type Db } from '#db/base/client.ts';
import { endsOf, type Place } from '#db/base/places.ts';

/** One end of a mirror. Its ticket's id, number and URL are null until there is a ticket. */
export type MirrorEnd = {
  readonly side: SideName;
  readonly instance: string;
  /** Display name of the instance. */
  readonly name: string;
  readonly type: InstanceType;
  /** Entity of its ticket: the instance's own word for such a record. */
  readonly entity: string;
  readonly ticketId: string | null;
  readonly number: string | null;
  readonly url: string | null;
  /** Version of the side's settings in force. */
  readonly settings: number;
};

/** A change of direction, for the breaker. */
export type Turn = {
  readonly at: string;
  readonly to: string;
  /** Our action, at the author's desk, that it follows. */
  readonly after?: string | undefined;
  readonly sign?: Sign | undefined;
};

export type Mirror = {
  readonly id: string;
  /** Its name on the link: the id that its other side uses. */
  readonly said: string;
  /** The action that opened it. */
  readonly openedBy: string;
  readonly link: string;
  readonly state: MirrorState;
  readonly shadow: boolean;
  readonly closeReason: CloseReason | null;
  /** Instant, or null. */
  readonly closedAt: string | null;
  /** Changes under our lock, as `turns` does. */
  paused: boolean;
  turns: readonly Turn[];
  readonly mode: LinkMode;
  readonly linkState: LinkState;
  /** The desk at one of its ends was restored, and nobody has checked it yet. */
  readonly quarantined: boolean;
  readonly superseded: boolean;
  /** Instant at which the link was resumed from quarantine: actions recorded earlier may already have been written. */
  readonly resumedAt: string | null;
  /** A mirror begins with the customer's ticket, so that one always exists. */
  readonly ends: Ends<MirrorEnd> & { readonly customer: { readonly ticketId: string } };
};

/** A row of mirrorColumns. */
export type MirrorRow = {
  readonly id: string;
  readonly said: string;
  readonly opened_by: string;
  readonly link: string;
  readonly state: MirrorState;
  readonly shadow: boolean;
  readonly close_reason: CloseReason | null;
  readonly closed_at: string | null;
  readonly paused: boolean;
  readonly first_instance: string;
  readonly first_entity: string;
  readonly first_ticket: string;
  readonly first_number: string | null;
  readonly first_url: string | null;
  readonly second_instance: string;
  readonly second_entity: string;
  readonly second_ticket: string | null;
  readonly second_number: string | null;
  readonly second_url: string | null;
  readonly turns: Mirror['turns'];
  readonly mode: LinkMode;
  readonly link_state: LinkState;
  readonly quarantined: boolean;
  readonly first_name: string;
  readonly second_name: string;
  readonly first_type: InstanceType;
  readonly second_type: InstanceType;
  readonly first_settings: number;
  readonly second_settings: number;
  readonly superseded: boolean;
  readonly resumed_at: string | null;
};

/** Columns of every mirror query; `m`, `l`, `fs`, `ss`, `fi`, `si` are the aliases of mirrorFrom. */
export const mirrorColumns: SQL = sql`
  m.id, coalesce(m.said_id, m.id) as said, coalesce(m.opened_by, m.id) as opened_by, m.link, m.state, m.shadow, m.close_reason, to_json(m.closed_at)#>>'{}' as closed_at,
  m.paused_at is not null as paused, m.first_instance, m.first_entity, m.first_ticket, m.first_number, m.first_url,
  m.second_instance, m.second_entity, m.second_ticket, m.second_number, m.second_url, m.turns,
  l.settings->>'mode' as mode, l.state as link_state, coalesce(fi.quarantined_at, si.quarantined_at) is not null as quarantined, to_json(l.resumed_at)#>>'{}' as resumed_at, fi.name as first_name, si.name as second_name,
  fi.type as first_type, si.type as second_type,
  fs.settings_version as first_settings, ss.settings_version as second_settings,
  m.state = 'closed' and exists (
    select 1 from mirrors newer
    where newer.link = m.link and newer.first_entity = m.first_entity and newer.first_ticket = m.first_ticket and newer.id > m.id
      and newer.state in ('opening', 'open')
  ) as superseded`;

/** The columns of `mirrors` for the ticket at each end. */
export const endColumns = endsOf(columnsAt('first'), columnsAt('second'));

type EndColumns = Readonly<Record<'instance' | 'entity' | 'ticket' | 'number' | 'url', SQL>>;

function columnsAt(place: Place): EndColumns {
  const column = (name: string): SQL => sql.raw(`${place}_${name}`);
  return {
    instance: column('instance'),
    entity: column('entity'),
    ticket: column('ticket'),
    number: column('number'),
    url: column('url'),
  };
}

export const mirrorFrom: SQL = sql`
  mirrors m
  join links l on l.id = m.link
  join sides fs on fs.link = m.link and fs.place = 'first'
  join sides ss on ss.link = m.link and ss.place = 'second'
  join instances fi on fi.id = m.first_instance
  join instances si on si.id = m.second_instance`;

/** Selects mirrors that still matter for what happens on their tickets. */
export const mattering: SQL = sql`l.state <> 'closed'
    and (m.state in ('opening', 'open')
      or (m.state = 'closed' and m.closed_at > now() - make_interval(days => ${reopenDays})))`;

/** Locks the mirrors of one ticket in the order of their ids; returns them oldest first. */
export async function lockMirrorsOfTicket(db: Db, { instance, entity, externalId }: Ref): Promise<Mirror[]> {
  const found = await rows<MirrorRow>(
    db,
    sql`select ${mirrorColumns} from ${mirrorFrom}
      where ((m.first_instance = ${instance} and m.first_entity = ${entity} and m.first_ticket = ${externalId})
          or (m.second_instance = ${instance} and m.second_entity = ${entity} and m.second_ticket = ${externalId}))
        and ${mattering}
      order by m.id for update of m`,
  );
  return found.map(mirrorOf);
}

/** Locks the live mirrors of a link in the order of their ids. */
export async function lockMirrorsOfLink(tx: Db, link: string): Promise<Mirror[]> {
  const found = await rows<MirrorRow>(
    tx,
    sql`select ${mirrorColumns} from ${mirrorFrom}
      where m.link = ${link} and m.state in ('opening', 'open') order by m.id for update of m`,
  );
  return found.map(mirrorOf);
}

/** Locks a mirror; null if the link has no such mirror. */
export async function lockMirror(tx: Db, mirror: string, link: string): Promise<Mirror | null> {
  const [row] = await rows<MirrorRow>(
    tx,
    sql`select ${mirrorColumns} from ${mirrorFrom} where m.id = ${mirror} and m.link = ${link} for update of m`,
  );
  return row === undefined ? null : mirrorOf(row);
}

/**
 * Like `lockMirror`, and also locks those that `others` selects, all in the order of their ids; `locked` names every
 * one. @param others ids of mirrors, of any link
 */
export async function lockMirrorWith(
  tx: Db,
  mirror: string,
  link: string,
  others: SQL,
): Promise<{ readonly mirror: Mirror | null; readonly locked: ReadonlySet<string> }> {
  const found = await rows<MirrorRow>(
    tx,
    sql`select ${mirrorColumns} from ${mirrorFrom}
      where m.id = any(${mirror}::uuid || array(${others})) order by m.id for update of m`,
  );
  const own = found.find((one) => one.id === mirror && one.link === link);
  return { mirror: own === undefined ? null : mirrorOf(own), locked: new Set(found.map(({ id }) => id)) };
}

export function mirrorOf(row: MirrorRow): Mirror {
  return {
    id: row.id,
    said: row.said,
    openedBy: row.opened_by,
    link: row.link,
    state: row.state,
    shadow: row.shadow,
    closeReason: row.close_reason,
    closedAt: row.closed_at,
    paused: row.paused,
    turns: row.turns,
    mode: row.mode,
    linkState: row.link_state,
    quarantined: row.quarantined,
    superseded: row.superseded,
    resumedAt: row.resumed_at,
    ends: endsOf(
      {
        side: 'customer' as const,
        instance: row.first_instance,
        name: row.first_name,
        type: row.first_type,
        entity: row.first_entity,
        ticketId: row.first_ticket,
        number: row.first_number,
        url: row.first_url,
        settings: row.first_settings,
      },
      {
        side: 'supplier' as const,
        instance: row.second_instance,
        name: row.second_name,
        type: row.second_type,
        entity: row.second_entity,
        ticketId: row.second_ticket,
        number: row.second_number,
        url: row.second_url,
        settings: row.second_settings,
      },
    ),
  };
}

/** Tells whether the mirror has this ticket at one of its ends. */
export function joins({ ends }: Mirror, ref: Ref): boolean {
  return isAt(ends.customer, ref) || isAt(ends.supplier, ref);
}

/** Returns the end with this ticket, for a mirror that joins it. */
export function endOf({ ends }: Mirror, ref: Ref): MirrorEnd {
  return isAt(ends.customer, ref) ? ends.customer : ends.supplier;
}

function isAt({ instance, entity, ticketId }: MirrorEnd, ref: Ref): boolean {
  return instance === ref.instance && entity === ref.entity && ticketId === ref.externalId;
}

export function farEnd({ ends }: Mirror, { side }: MirrorEnd): MirrorEnd {
  return ends[otherSide(side)];
}

/** Names the mirror by its first ticket, the way people know it; for notices. */
export function nameOf({ ends: { customer } }: Mirror): string {
  return `${customer.name} ${customer.number ?? customer.ticketId}`;
}

/** Returns the mirror as core's rules see it from one of its ends. */
export function viewOf(mirror: Mirror, side: SideName): MirrorView {
  const { customer, supplier } = mirror.ends;
  return {
    id: mirror.id,
    link: mirror.link,
    state: mirror.state,
    closeReason: mirror.closeReason,
    closedAt: mirror.closedAt,
    mode: mirror.shadow ? 'shadow' : mirror.mode,
    superseded: mirror.superseded,
    paused: mirror.paused,
    side,
    customer: {
      instance: customer.instance,
      name: customer.name,
      ticketId: customer.ticketId,
      number: customer.number ?? customer.ticketId,
      url: customer.url ?? '',
    },
    supplier: {
      instance: supplier.instance,
      name: supplier.name,
      ticketId: supplier.ticketId,
      number: supplier.number,
      url: supplier.url,
    },
  };
}
