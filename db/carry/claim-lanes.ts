/** Selects the lanes that a drain carries next, each with its head. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import type { LanePlace } from './lanes.ts';
import { contextOf, headQuery, type DeliveryContext, type HeadRow } from './delivery-context.ts';
import { textArray, uuidArray } from '#db/base/text-array.ts';

export type DueLane = {
  readonly mirror: string;
  readonly link: string;
  readonly place: LanePlace;
  /** Null if nothing waits after all. */
  readonly head: DeliveryContext | null;
};

export type ClaimInput = {
  readonly instance: string;
  /** The drain's own epoch; a drain that has lost it finds nothing. */
  readonly epoch: number;
  /** Lanes being carried at the moment. */
  readonly busy: readonly string[];
  readonly limit: number;
  /** Links to leave out, because one of them has filled the claim so far. */
  readonly withoutLinks?: readonly string[];
};

type Row = Partial<HeadRow> & { readonly lane_mirror: string | null; readonly lane_link: string | null } & Place;
type Place = { readonly sent_seq: number | null; readonly acked_seq: number | null; readonly last_seq: number | null };

/**
 * Returns the due lanes. Writes nothing: the drain remembers what it carries. Null once another drain owns the epoch.
 */
export async function dueLanes(db: Db, input: ClaimInput): Promise<DueLane[] | null> {
  const found = await rows<Row>(
    db,
    sql`with due as materialized (
        select c.instance, l.mirror, l.link, l.due_at, l.sent_seq, l.acked_seq, l.last_seq from couriers c
        left join lateral (
          select mirror, link, due_at, sent_seq, acked_seq, last_seq from lanes
          where to_instance = c.instance and due_at <= now()
            and mirror <> all(${uuidArray(input.busy)})
            and link <> all(${textArray(input.withoutLinks ?? [])})
          order by due_at limit ${input.limit}
        ) l on true
        where c.instance = ${input.instance} and c.epoch = ${input.epoch}
      )
      select due.mirror as lane_mirror, due.link as lane_link, due.sent_seq::float8 as sent_seq,
        due.acked_seq::float8 as acked_seq, due.last_seq::float8 as last_seq, head.* from due
      -- By itself the head is planned in 2 ms; joined with what is due it would take ten times that.
      left join lateral (${headQuery(sql`due.mirror`, sql`due.instance`)} offset 0) head on true
      order by due.due_at`,
  );
  if (found.length === 0) return null;
  return found.flatMap(
    ({ lane_mirror: mirror, lane_link: link, sent_seq: sent, acked_seq: acked, last_seq: last, ...head }) =>
      mirror === null || link === null
        ? []
        : [
            {
              mirror,
              link,
              place: { sentSeq: sent ?? 0, ackedSeq: acked ?? 0, lastSeq: last ?? 0 },
              head: head.delivery == null ? null : contextOf(head as HeadRow),
            },
          ],
  );
}
