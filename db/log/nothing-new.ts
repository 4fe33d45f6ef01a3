/** Tells whether a read of a ticket showed anything unknown: nearly always it did not, and then no lock is needed. */
import { sql, type SQL } from 'drizzle-orm';
import type { TicketSnapshot } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import { content, type Content } from '#db/base/content.ts';
import { createGathered } from '#db/base/gather.ts';
import type { TicketRead } from './locked-ticket.ts';
import { arrayLiteral, textArray } from '#db/base/text-array.ts';

export type Shown = TicketRead & {
  readonly snapshot: TicketSnapshot;
  /** When each action was created, by the desk's clock, in the order of the ids; absent: not compared. */
  readonly made?: readonly string[];
  readonly mark?: string | undefined;
};

/** Returns true if every action of the reading is known, the ticket is unchanged, and no write to it is unsettled. */
export type NothingNew = (shown: Shown) => Promise<boolean>;

/** Batches the questions: a poll reads many tickets at a time. */
export function createNothingNew(db: Db): NothingNew {
  return createGathered((shown) => nothingNew(db, shown));
}

/** The same rule as isAnother: whole seconds may be rounded. */
const isSame = (kept: SQL): SQL =>
  sql`(seen.made is null or ${kept} is null or abs(extract(epoch from ${kept} - seen.made::timestamptz)) <=
    case when date_trunc('second', ${kept}) = ${kept} or date_trunc('second', seen.made::timestamptz) = seen.made::timestamptz then 1 else 0.001 end)`;

async function nothingNew(db: Db, shown: readonly Shown[]): Promise<boolean[]> {
  const column = (of: (one: Shown) => string | null | Content): ReturnType<typeof textArray> =>
    textArray(shown.map(of));
  const found = await rows<{ n: number; nothing: boolean }>(
    db,
    sql`select (asked.n - 1)::int as n,
        not exists (select 1 from unnest(asked.ids::text[], asked.made::text[]) as seen(id, made) where
          not exists (select 1 from actions a
            where a.instance = asked.instance and a.entity = asked.entity and a.ticket = asked.ticket and a.external_id = seen.id
              and ${isSame(sql`a.made_at`)})
          and not exists (select 1 from written_ids w
            where w.instance = asked.instance and w.entity = asked.entity and w.ticket = asked.ticket and w.external_id = seen.id
              and ${isSame(sql`w.made_at`)}))
        and exists (select 1 from tickets t
          where t.instance = asked.instance and t.entity = asked.entity and t.external_id = asked.ticket
            and t.missing_since is null and (asked.mark is null or t.mark = asked.mark)
            and (t.snapshot is null or t.snapshot = asked.snapshot::jsonb))
        and not exists (select 1 from writes w
          where w.instance = asked.instance and w.entity = asked.entity and w.ticket = asked.ticket and w.state in ('open', 'made')) as nothing
      from unnest(${column(({ ref }) => ref.instance)}, ${column(({ ref }) => ref.entity)}, ${column(({ ref }) => ref.externalId)},
        ${column((one) => arrayLiteral(one.externalIds))}, ${column((one) => content('snapshot', one.snapshot))},
        ${column((one) => (one.made === undefined ? '{}' : arrayLiteral(one.made)))}, ${textArray(shown.map(({ mark }) => mark ?? null))})
        with ordinality as asked (instance, entity, ticket, ids, snapshot, made, mark, n)`,
  );
  const nothing = new Set(found.filter((row) => row.nothing).map((row) => row.n));
  return shown.map((_, n) => nothing.has(n));
}
