/** Everything needed to decide one delivery, in one query: the head of a lane with its action, mirror and tickets. */
import { sql, type SQL } from 'drizzle-orm';
import type { ReceiptView as Receipt } from '#core/conversation/receipt.ts';
import { otherSide, type Ends } from '#core/words/ends.ts';
import type {
  Attachment,
  Audience,
  ConstantPart,
  Person,
  Reason,
  SendTo,
  SideName,
  TicketSnapshot,
  Visibility,
  Words,
} from '#core/words/vocabulary.ts';
import type { From } from '#core/log/position.ts';
import type { WireAction } from '#core/wire.ts';
import { rows, type Db } from '#db/base/client.ts';
import { endsOf } from '#db/base/places.ts';
import type { LaneKey } from './lanes.ts';
import { fromColumn, fromOf, type FromRow } from '#db/log/position-columns.ts';
import { mirrorColumns, mirrorFrom, mirrorOf, type Mirror, type MirrorEnd, type MirrorRow } from '#db/log/mirrors.ts';

/** One end of a delivery's mirror, with everything known about its ticket and its desk. */
export type End = MirrorEnd & {
  /** The ticket as last read. */
  readonly snapshot: TicketSnapshot | null;
  /** Where a read of the ticket begins. */
  readonly readFrom: From;
  /** Instant of the last read, by the database's clock; null if it was never read. */
  readonly readAt: string | null;
  /** Version of the desk's catalogue. */
  readonly catalogue: number;
};

export type DeliveryContext = {
  readonly delivery: {
    readonly id: string;
    readonly to: string;
    readonly seq: number;
    readonly kind: 'action' | 'receipt' | 'copy';
    readonly escalation: boolean;
    readonly receipt: Receipt | null;
    readonly words: Words | null;
    readonly via: readonly string[] | null;
    readonly attempts: number;
    readonly firstTriedAt: string | null;
    readonly heldAt: string | null;
    readonly heldMs: number | null;
    readonly releasedAt: string | null;
    /** It had been refused, is carried once more, and mails no end user. */
    readonly quiet: boolean;
    readonly hasWrites: boolean;
    readonly behindEscalation: boolean;
    /** The constant part as it left the previous desk, if that differs from the logged one. */
    readonly constant: ConstantPart | null;
    /** The action as promised to a peer, until the peer has accepted it. */
    readonly sent: WireAction | null;
    readonly acceptedAt: string | null;
    /** For a receipt: how many earlier ones on its lane have the same content for the same action. */
    readonly nth: number | null;
  };
  readonly action: {
    readonly id: string;
    /** Its id at its origin. */
    readonly said: string;
    readonly instance: string;
    readonly ticket: string;
    readonly externalId: string;
    readonly origin: string;
    readonly at: string;
    /** Instant at which it was logged. */
    readonly loggedAt: string;
    readonly author: Person | null;
    readonly audience: Audience;
    readonly visibility: Visibility;
    readonly sendTo: SendTo | null;
    readonly mailed: boolean | null;
    readonly note: string | null;
    readonly words: Words | null;
    readonly attachments: readonly Attachment[];
    readonly hash: string;
    /**
     * The mark that markers of its writes are derived from; null for actions from elsewhere, and for those logged
     * before marks existed.
     */
    readonly mark: string | null;
    readonly via: readonly string[];
    readonly trace: string | null;
    /**
     * As received from a peer: the canonical constant part, its origin's signature, the additional parts of an
     * escalation, and what was left out before sending.
     */
    readonly signed: string | null;
    readonly signature: string | null;
    readonly opening: {
      readonly summary: string;
      readonly requester?: { readonly name: string; readonly email?: string };
    } | null;
    readonly drops: readonly Reason[] | null;
  };
  readonly mirror: Mirror;
  /** The end that it leaves, and the end that it goes to. */
  readonly from: End;
  readonly to: End;
  /** Instant, by the database's clock. */
  readonly now: string;
};

export type HeadRow = MirrorRow & {
  readonly delivery: DeliveryContext['delivery'];
  readonly action: DeliveryContext['action'];
  readonly first_snapshot: TicketSnapshot | null;
  readonly second_snapshot: TicketSnapshot | null;
  readonly first_from: FromRow;
  readonly second_from: FromRow;
  readonly first_read_at: string | null;
  readonly second_read_at: string | null;
  readonly first_catalogue: number;
  readonly second_catalogue: number;
  readonly now: string;
};

/** How far desks' clocks may differ from ours. Milliseconds. */
export const clockSkewMs = 3_600_000;

/**
 * Tells whether an action was recorded before its link was resumed from quarantine, so that its write may exist without
 * our knowing. Judged by our clock if it was logged by then; for one read later, only its desk's clock is known.
 */
export function isBeforeResumed({ action, mirror }: Pick<DeliveryContext, 'action' | 'mirror'>): boolean {
  if (mirror.resumedAt === null) return false;
  const resumed = Date.parse(mirror.resumedAt);
  return Date.parse(action.loggedAt) <= resumed || Date.parse(action.at) <= resumed + clockSkewMs;
}

/**
 * Selects the first waiting deliveries of a lane, with everything they need; `mirror` and `to` are values or columns.
 */
export function headQuery(mirror: SQL, to: SQL, most = 1): SQL {
  return contextQuery(sql`select * from deliveries
      where mirror = ${mirror} and to_instance = ${to} and outcome is null and accepted_at is null and set_aside_at is null
      order by seq limit ${sql.raw(String(most))}`);
}

/** `which`: a query of whole deliveries. */
export function contextQuery(which: SQL): SQL {
  return sql`select ${mirrorColumns},
      json_build_object('id', d.id, 'to', d.to_instance, 'seq', d.seq, 'kind', d.kind, 'escalation', d.escalation, 'receipt', d.receipt,
        'words', d.words, 'via', d.via, 'attempts', d.attempts, 'firstTriedAt', d.first_tried_at, 'heldAt', d.held_at,
        'heldMs', extract(epoch from now() - d.held_at) * 1000, 'releasedAt', d.released_at, 'quiet', d.quiet,
        'hasWrites', exists (select 1 from writes w where w.delivery = d.id),
        'behindEscalation', d.seq > 1, 'constant', d.constant, 'sent', d.sent, 'acceptedAt', d.accepted_at,
        'nth', case when d.kind = 'receipt' then (
          select count(*) from deliveries e where e.action = d.action and e.mirror = d.mirror and e.to_instance = d.to_instance
            and e.kind = 'receipt' and e.seq < d.seq and e.receipt->>'outcome' = d.receipt->>'outcome'
            and e.receipt->'reason'->>'code' = d.receipt->'reason'->>'code'
        ) end) as delivery,
      json_build_object('id', a.id, 'said', coalesce(a.said_id, a.id), 'instance', a.instance, 'ticket', a.ticket, 'externalId', a.external_id,
        'origin', a.origin, 'at', a.at, 'loggedAt', a.logged_at, 'author', a.author, 'audience', a.audience, 'visibility', a.visibility,
        'sendTo', a.send_to, 'mailed', a.mailed, 'note', a.note, 'words', a.words, 'attachments', a.attachments, 'hash', a.hash, 'mark', a.mark,
        'via', a.via, 'trace', a.trace, 'signed', a.signed, 'signature', a.signature, 'opening', a.opening,
        'drops', a.drops) as action,
      (select ${fromColumn(sql`ft.entity`)} from (select ft.*) t, (select fi.*) i) as first_from,
      (select ${fromColumn(sql`st.entity`)} from (select st.*) t, (select si.*) i) as second_from,
      to_json(ft.read_at)#>>'{}' as first_read_at, to_json(st.read_at)#>>'{}' as second_read_at,
      ft.snapshot as first_snapshot, st.snapshot as second_snapshot,
      fi.catalogue_version as first_catalogue, si.catalogue_version as second_catalogue,
      to_json(now())#>>'{}' as now
  from (${which}) d
    join actions a on a.id = d.action
    join ${mirrorFrom} on m.id = d.mirror
    left join tickets ft on ft.instance = m.first_instance and ft.entity = m.first_entity and ft.external_id = m.first_ticket
    left join tickets st on st.instance = m.second_instance and st.entity = m.second_entity and st.external_id = m.second_ticket`;
}

/** Returns the first waiting delivery of the lane, or null if none waits. */
export async function headOf(db: Db, lane: LaneKey): Promise<DeliveryContext | null> {
  const [row] = await rows<HeadRow>(db, headQuery(sql`${lane.mirror}::uuid`, sql`${lane.to}`));
  return row === undefined ? null : contextOf(row);
}

/** Returns the deliveries that wait in the lane after this one, in order. */
export async function laterThan(db: Db, lane: LaneKey, seq: number, most: number): Promise<readonly DeliveryContext[]> {
  const found = await rows<HeadRow>(
    db,
    contextQuery(sql`select * from deliveries where mirror = ${lane.mirror}::uuid and to_instance = ${lane.to}
      and outcome is null and seq > ${seq} order by seq limit ${most}`),
  );
  return found.map(contextOf).toSorted((a, b) => a.delivery.seq - b.delivery.seq);
}

/** Returns the delivery of one action on a mirror, whether it waits or has ended. */
export async function contextOfAction(db: Db, lane: LaneKey, action: string): Promise<DeliveryContext | null> {
  const [row] = await rows<HeadRow>(
    db,
    contextQuery(sql`select * from deliveries where mirror = ${lane.mirror}::uuid and to_instance = ${lane.to}
      and action = ${action} and kind in ('action', 'copy') limit 1`),
  );
  return row === undefined ? null : contextOf(row);
}

export function contextOf(row: HeadRow): DeliveryContext {
  const { delivery, action, now } = row;
  const mirror = mirrorOf(row);
  const ends: Ends<End> = endsOf(
    {
      ...mirror.ends.customer,
      snapshot: row.first_snapshot,
      readFrom: fromOf(row.first_from),
      readAt: row.first_read_at,
      catalogue: row.first_catalogue,
    },
    {
      ...mirror.ends.supplier,
      snapshot: row.second_snapshot,
      readFrom: fromOf(row.second_from),
      readAt: row.second_read_at,
      catalogue: row.second_catalogue,
    },
  );
  const to: SideName = delivery.to === mirror.ends.supplier.instance ? 'supplier' : 'customer';
  return {
    delivery,
    action: { ...action, at: new Date(action.at).toISOString() },
    mirror,
    from: ends[otherSide(to)],
    to: ends[to],
    now,
  };
}
