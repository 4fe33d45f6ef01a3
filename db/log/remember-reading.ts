/**
 * Stores what reads of tickets showed: which actions are ours, and the tickets' state. An action of ours is stored with
 * its write; only the write's courier settles the write itself.
 */
import { sql, type SQL } from 'drizzle-orm';
import type { WriteView } from '#core/log/recognise.ts';
import type { Position } from '#core/log/position.ts';
import { refKey } from '#core/words/ref.ts';
import type { Ref, TicketSnapshot } from '#core/words/vocabulary.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { content, type Content } from '#db/base/content.ts';
import { textArray, uuidArray } from '#db/base/text-array.ts';
import type { Gathered } from '#db/base/transaction.ts';

export type Remembered = {
  readonly ref: Ref;
  readonly snapshot: TicketSnapshot;
  /** How far the history is known now. */
  readonly position: Position;
  /**
   * Date of the action at the floor (instant by the desk's clock), else of the newest; null if the read does not show
   * it.
   */
  readonly cursor: string | null;
  /** False: for a ticket without a mirror nothing is stored. */
  readonly mirrored: boolean;
  /** No newer reading has been stored: core/log/newest.ts. */
  readonly isNewest: boolean;
  readonly top: string | null;
  readonly begunAt: string | null;
  readonly ours: readonly {
    readonly id: string;
    readonly as: 'echo' | 'consequence';
    readonly write: WriteView | null;
    /** Instants by the desk's clock: its date, and when it was created. */
    readonly at: string;
    readonly made: string;
  }[];
  /** The delivery that may end next in the same transaction: locked here, so that its end sees every promise. */
  readonly ends: string | null;
};

/** The caller holds the tickets' locks. */
export const rememberReadings: Gathered<Remembered, void> = {
  send: async (tx, readings) => {
    await rememberAll(tx, readings);
    return [];
  },
  keyOf: ({ ref }) => refKey(ref),
};

export function writeKey({ delivery, step }: Pick<WriteView, 'delivery' | 'step'>): string {
  return `${delivery}/${step}`;
}

/** Rows are named twice, as in mark-ended.ts. */
function rememberAll(tx: Tx, readings: readonly Remembered[]): Promise<unknown> {
  const ours = readings.flatMap(({ ref, ours: all }) => all.map((one) => ({ ...one, ref })));
  const ourColumn = (of: (one: (typeof ours)[number]) => string | null): SQL => textArray(ours.map(of));
  const column = (of: (one: Remembered) => string | null | Content): SQL => textArray(readings.map(of));
  return rows(
    tx,
    sql`with held as materialized (
        select d.id from deliveries d where d.id = any(${uuidArray(readings.flatMap(({ ends }) => ends ?? []))}) order by d.id for no key update
      ), s as materialized (
        select * from unnest(${column(({ ref }) => ref.instance)}, ${column(({ ref }) => ref.entity)}, ${column(({ ref }) => ref.externalId)},
          ${column((one) => one.cursor)}, ${column((one) => (one.mirrored ? content('snapshot', one.snapshot) : null))},
          ${column((one) => one.position.floor)}, ${column((one) => one.position.high?.id ?? null)},
          ${column((one) => one.position.high?.since ?? null)}, ${column((one) => one.position.mark)},
          ${column(({ isNewest, mirrored }) => (isNewest || !mirrored ? 'yes' : null))}, ${column((one) => one.top)}, ${column((one) => one.begunAt)})
          as shown (instance, entity, ticket, cursor, snapshot, floor, high, high_since, mark, newest, top, begun)
      ), ours as (
        insert into written_ids (instance, entity, ticket, external_id, "as", delivery, step, at, made_at)
        select o.instance, o.entity, o.ticket, o.id, o."as", o.delivery::uuid, o.step::int, o.at::timestamptz, o.made::timestamptz
        from unnest(${ourColumn(({ ref }) => ref.instance)}, ${ourColumn(({ ref }) => ref.entity)}, ${ourColumn(({ ref }) => ref.externalId)},
          ${ourColumn((one) => one.id)}, ${ourColumn((one) => one.as)}, ${ourColumn((one) => one.write?.delivery ?? null)},
          ${ourColumn((one) => (one.write === null ? null : String(one.write.step)))}, ${ourColumn((one) => one.at)},
          ${ourColumn((one) => one.made)})
          as o (instance, entity, ticket, id, "as", delivery, step, at, made)
        on conflict do nothing
      )
      update tickets t set
        cursor = coalesce(s.cursor::timestamptz, t.cursor),
        snapshot = case when s.newest is null then t.snapshot else s.snapshot::jsonb end,
        snapshot_top = case when s.newest is null then t.snapshot_top else s.top end,
        snapshot_begun = case when s.newest is null then t.snapshot_begun else s.begun::timestamptz end,
        read_at = case when s.newest is null then t.read_at else now() end,
        floor = s.floor, high = s.high, high_since = s.high_since::timestamptz, mark = s.mark
      from s where t.instance = any(array(select instance from s)) and t.external_id = any(array(select ticket from s))
        and t.instance = s.instance and t.entity = s.entity and t.external_id = s.ticket and (select count(*) from held) >= 0`,
  );
}
