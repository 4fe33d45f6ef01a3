/** Mirrors as the deciding functions want to see them. */
import { sql, type SQL } from 'drizzle-orm';
import type { InstanceType, LinkMode, SideName } from '#core/words/vocabulary.ts';
import { reopenDays, type CloseReason, type MirrorState, type MirrorView } from '#core/words/mirror.ts';
import type { LinkState } from '#core/wire.ts';
import { rows, type Db } from '#db/base/client.ts';

export type MirrorRow = {
  readonly id: string;
  readonly link: string;
  readonly state: MirrorState;
  readonly shadow: boolean;
  readonly close_reason: CloseReason | null;
  readonly closed_at: string | null;
  /** Changes under our lock. */
  paused: boolean;
  readonly pause_reason: string | null;
  readonly customer_instance: string;
  readonly customer_ticket: string;
  readonly customer_number: string | null;
  readonly customer_url: string | null;
  readonly supplier_instance: string;
  readonly supplier_ticket: string | null;
  readonly supplier_number: string | null;
  readonly supplier_url: string | null;
  turns: readonly { readonly at: string; readonly to: string }[];
  readonly mode: LinkMode;
  readonly link_state: LinkState;
  readonly customer_name: string;
  readonly supplier_name: string;
  readonly customer_type: InstanceType;
  readonly supplier_type: InstanceType;
  readonly customer_settings: number;
  readonly supplier_settings: number;
  readonly superseded: boolean;
  /** The link was resumed from quarantine then: what was recorded before may have been written already. */
  readonly resumed_at: string | null;
};

/** Columns every mirror query selects; `m`, `l`, `cs`, `ss`, `ci`, `si` are the aliases of mirrorFrom. */
export const mirrorColumns: SQL = sql`
  m.id, m.link, m.state, m.shadow, m.close_reason, to_json(m.closed_at)#>>'{}' as closed_at,
  m.paused_at is not null as paused, m.pause_reason, m.customer_instance, m.customer_ticket, m.customer_number,
  m.customer_url, m.supplier_instance, m.supplier_ticket, m.supplier_number, m.supplier_url, m.turns,
  l.settings->>'mode' as mode, l.state as link_state, to_json(l.resumed_at)#>>'{}' as resumed_at, ci.name as customer_name, si.name as supplier_name,
  ci.type as customer_type, si.type as supplier_type,
  cs.settings_version as customer_settings, ss.settings_version as supplier_settings,
  m.state = 'closed' and exists (
    select 1 from mirrors newer
    where newer.link = m.link and newer.customer_ticket = m.customer_ticket and newer.id > m.id
      and newer.state in ('opening', 'open')
  ) as superseded`;

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
export async function lockMirrorsOfTicket(db: Db, instance: string, ticket: string): Promise<MirrorRow[]> {
  return rows<MirrorRow>(
    db,
    sql`select ${mirrorColumns} from ${mirrorFrom}
      where ((m.customer_instance = ${instance} and m.customer_ticket = ${ticket})
          or (m.supplier_instance = ${instance} and m.supplier_ticket = ${ticket}))
        and ${mattering}
      order by m.id for update of m`,
  );
}

/** The side of the mirror on which a ticket stands. */
export function sideOf(row: MirrorRow, instance: string, ticket: string): SideName {
  return row.customer_instance === instance && row.customer_ticket === ticket ? 'customer' : 'supplier';
}

export function otherInstance(row: MirrorRow, side: SideName): string {
  return side === 'customer' ? row.supplier_instance : row.customer_instance;
}

export function viewOf(row: MirrorRow, side: SideName): MirrorView {
  return {
    id: row.id,
    link: row.link,
    state: row.state,
    closeReason: row.close_reason,
    closedAt: row.closed_at,
    mode: row.shadow ? 'shadow' : row.mode,
    superseded: row.superseded,
    paused: row.paused,
    side,
    customer: {
      instance: row.customer_instance,
      name: row.customer_name,
      ticketId: row.customer_ticket,
      number: row.customer_number ?? row.customer_ticket,
      url: row.customer_url ?? '',
    },
    supplier: {
      instance: row.supplier_instance,
      name: row.supplier_name,
      ticketId: row.supplier_ticket,
      number: row.supplier_number,
      url: row.supplier_url,
    },
  };
}
