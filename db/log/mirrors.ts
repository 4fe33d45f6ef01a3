/** Mirrors with their two ends. Columns are read here and become words; their names stay in db. */
import { sql, type SQL } from 'drizzle-orm';
import type { Sign } from '#core/log/breaker.ts';
import { otherSide, type Ends } from '#core/words/ends.ts';
import type { InstanceType, LinkMode, SideName } from '#core/words/vocabulary.ts';
import { reopenDays, type CloseReason, type MirrorState, type MirrorView } from '#core/words/mirror.ts';
import type { LinkState } from '#core/wire.ts';
import { rows, type Db } from '#db/base/client.ts';

/** One end of a mirror. Id, number and URL of its ticket are null until it has one. */
export type MirrorEnd = {
  readonly side: SideName;
  readonly instance: string;
  /** Display name of the instance. */
  readonly name: string;
  readonly type: InstanceType;
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
  /** The action of ours, at the author's desk, that it follows. */
  readonly after?: string | undefined;
  readonly sign?: Sign | undefined;
};

export type Mirror = {
  readonly id: string;
  readonly link: string;
  readonly state: MirrorState;
  readonly shadow: boolean;
  readonly closeReason: CloseReason | null;
  /** Instant, or null. */
  readonly closedAt: string | null;
  /** Changes under our lock, as `turns` do. */
  paused: boolean;
  turns: readonly Turn[];
  readonly mode: LinkMode;
  readonly linkState: LinkState;
  readonly superseded: boolean;
  /** Instant at which the link was resumed from quarantine: what was recorded before may have been written already. */
  readonly resumedAt: string | null;
  /** The mirror began with the customer's ticket, so that one is always there. */
  readonly ends: Ends<MirrorEnd> & { readonly customer: { readonly ticketId: string } };
};

/** As mirrorColumns select it. */
export type MirrorRow = {
  readonly id: string;
  readonly link: string;
  readonly state: MirrorState;
  readonly shadow: boolean;
  readonly close_reason: CloseReason | null;
  readonly closed_at: string | null;
  readonly paused: boolean;
  readonly customer_instance: string;
  readonly customer_ticket: string;
  readonly customer_number: string | null;
  readonly customer_url: string | null;
  readonly supplier_instance: string;
  readonly supplier_ticket: string | null;
  readonly supplier_number: string | null;
  readonly supplier_url: string | null;
  readonly turns: Mirror['turns'];
  readonly mode: LinkMode;
  readonly link_state: LinkState;
  readonly customer_name: string;
  readonly supplier_name: string;
  readonly customer_type: InstanceType;
  readonly supplier_type: InstanceType;
  readonly customer_settings: number;
  readonly supplier_settings: number;
  readonly superseded: boolean;
  readonly resumed_at: string | null;
};

/** Columns every mirror query selects; `m`, `l`, `cs`, `ss`, `ci`, `si` are the aliases of mirrorFrom. */
export const mirrorColumns: SQL = sql`
  m.id, m.link, m.state, m.shadow, m.close_reason, to_json(m.closed_at)#>>'{}' as closed_at,
  m.paused_at is not null as paused, m.customer_instance, m.customer_ticket, m.customer_number,
  m.customer_url, m.supplier_instance, m.supplier_ticket, m.supplier_number, m.supplier_url, m.turns,
  l.settings->>'mode' as mode, l.state as link_state, to_json(l.resumed_at)#>>'{}' as resumed_at, ci.name as customer_name, si.name as supplier_name,
  ci.type as customer_type, si.type as supplier_type,
  cs.settings_version as customer_settings, ss.settings_version as supplier_settings,
  m.state = 'closed' and exists (
    select 1 from mirrors newer
    where newer.link = m.link and newer.customer_ticket = m.customer_ticket and newer.id > m.id
      and newer.state in ('opening', 'open')
  ) as superseded`;

/** Columns of `mirrors` that hold the ticket at each end. */
export const endColumns: Ends<{ readonly ticket: SQL; readonly number: SQL; readonly url: SQL }> = {
  customer: { ticket: sql`customer_ticket`, number: sql`customer_number`, url: sql`customer_url` },
  supplier: { ticket: sql`supplier_ticket`, number: sql`supplier_number`, url: sql`supplier_url` },
};

export const mirrorFrom: SQL = sql`
  mirrors m
  join links l on l.id = m.link
  join sides cs on cs.id = m.link || '/customer'
  join sides ss on ss.id = m.link || '/supplier'
  join instances ci on ci.id = m.customer_instance
  join instances si on si.id = m.supplier_instance`;

/** Which mirrors still matter to what happens on their tickets. */
export const mattering: SQL = sql`l.state <> 'closed'
    and (m.state in ('opening', 'open')
      or (m.state = 'closed' and m.closed_at > now() - make_interval(days => ${reopenDays})))`;

/** Those of one ticket, oldest first; locked, in the order of their ids. */
export async function lockMirrorsOfTicket(db: Db, instance: string, ticket: string): Promise<Mirror[]> {
  const found = await rows<MirrorRow>(
    db,
    sql`select ${mirrorColumns} from ${mirrorFrom}
      where ((m.customer_instance = ${instance} and m.customer_ticket = ${ticket})
          or (m.supplier_instance = ${instance} and m.supplier_ticket = ${ticket}))
        and ${mattering}
      order by m.id for update of m`,
  );
  return found.map(mirrorOf);
}

/** Those of a link that live, locked, in the order of their ids. */
export async function lockMirrorsOfLink(tx: Db, link: string): Promise<Mirror[]> {
  const found = await rows<MirrorRow>(
    tx,
    sql`select ${mirrorColumns} from ${mirrorFrom}
      where m.link = ${link} and m.state in ('opening', 'open') order by m.id for update of m`,
  );
  return found.map(mirrorOf);
}

/** Locks it; null where the link has no such mirror. */
export async function lockMirror(tx: Db, mirror: string, link: string): Promise<Mirror | null> {
  const [row] = await rows<MirrorRow>(
    tx,
    sql`select ${mirrorColumns} from ${mirrorFrom} where m.id = ${mirror} and m.link = ${link} for update of m`,
  );
  return row === undefined ? null : mirrorOf(row);
}

export function mirrorOf(row: MirrorRow): Mirror {
  return {
    id: row.id,
    link: row.link,
    state: row.state,
    shadow: row.shadow,
    closeReason: row.close_reason,
    closedAt: row.closed_at,
    paused: row.paused,
    turns: row.turns,
    mode: row.mode,
    linkState: row.link_state,
    superseded: row.superseded,
    resumedAt: row.resumed_at,
    ends: {
      customer: {
        side: 'customer',
        instance: row.customer_instance,
        name: row.customer_name,
        type: row.customer_type,
        ticketId: row.customer_ticket,
        number: row.customer_number,
        url: row.customer_url,
        settings: row.customer_settings,
      },
      supplier: {
        side: 'supplier',
        instance: row.supplier_instance,
        name: row.supplier_name,
        type: row.supplier_type,
        ticketId: row.supplier_ticket,
        number: row.supplier_number,
        url: row.supplier_url,
        settings: row.supplier_settings,
      },
    },
  };
}

/** The mirror has this ticket at one of its ends. */
export function joins({ ends }: Mirror, instance: string, ticket: string): boolean {
  return [ends.customer, ends.supplier].some((end) => end.instance === instance && end.ticketId === ticket);
}

/** The end that is this ticket, of a mirror that joins it. */
export function endOf({ ends }: Mirror, instance: string, ticket: string): MirrorEnd {
  const { customer, supplier } = ends;
  return customer.instance === instance && customer.ticketId === ticket ? customer : supplier;
}

export function farEnd({ ends }: Mirror, { side }: MirrorEnd): MirrorEnd {
  return ends[otherSide(side)];
}

/** The mirror by the name that people know its first ticket by, for notices. */
export function nameOf({ ends: { customer } }: Mirror): string {
  return `${customer.name} ${customer.number ?? customer.ticketId}`;
}

/** The mirror as core's rules see it from one of its ends. */
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
