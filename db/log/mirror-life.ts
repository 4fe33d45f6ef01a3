/** Updates mirrors when both of their tickets have closed, or one has reopened. The rule is core's. */
import { sql } from 'drizzle-orm';
import { afterApplied } from '#core/log/mirror-life.ts';
import type { CloseReason, MirrorState } from '#core/words/mirror.ts';
import type { LinkMode } from '#core/words/vocabulary.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { mirrorColumns, mirrorFrom } from './mirrors.ts';
import { uuidArray } from '#db/base/text-array.ts';

type Row = {
  readonly id: string;
  readonly state: MirrorState;
  readonly shadow: boolean;
  readonly mode: LinkMode;
  readonly close_reason: CloseReason | null;
  readonly closed_at: string | null;
  readonly superseded: boolean;
  readonly first_closed: boolean | null;
  readonly second_closed: boolean | null;
  readonly now: string;
};

/** The caller holds the locks of the mirrors and has stored the tickets' snapshots. */
export async function moveMirrorsOn(tx: Tx, mirrors: readonly string[]): Promise<void> {
  const found = await rows<Row>(
    tx,
    sql`select ${mirrorColumns}, (ft.snapshot->>'closed')::boolean as first_closed,
        (st.snapshot->>'closed')::boolean as second_closed, to_json(now())#>>'{}' as now
      from ${mirrorFrom}
      left join tickets ft on ft.instance = m.first_instance and ft.entity = m.first_entity and ft.external_id = m.first_ticket
      left join tickets st on st.instance = m.second_instance and st.entity = m.second_entity and st.external_id = m.second_ticket
      where m.id = any(${uuidArray(mirrors)}) order by m.id`,
  );
  for (const row of found) {
    const life = afterApplied({
      mirror: {
        state: row.state,
        closeReason: row.close_reason,
        closedAt: row.closed_at,
        superseded: row.superseded,
        mode: row.shadow ? 'shadow' : row.mode,
      },
      customerClosed: row.first_closed,
      supplierClosed: row.second_closed,
      now: row.now,
    });
    if (life.state === row.state && life.closeReason === row.close_reason) continue;
    await tx.execute(
      sql`update mirrors set state = ${life.state}, close_reason = ${life.closeReason}, closed_at = ${life.closedAt}::timestamptz
        where id = ${row.id}`,
    );
  }
}
