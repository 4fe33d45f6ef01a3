/** Request budgets: requests per instance within a rolling window, shared by every process. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';

/** Slots per window; a grant counts until its whole slot has left the window. */
const slotsPerWindow = 20;
const slotsKept = slotsPerWindow + 1;

export type Granted = {
  readonly granted: number;
  /** Time until a tenth of the limit is free again. Milliseconds. */
  readonly waitMs: number;
};

type Taken = { readonly granted: number; readonly spent: number[]; readonly into_ms: number };

/** Takes up to `count` requests. No window of this length ever contains more grants than the limit. */
export async function takeBudget(
  db: Db,
  instance: string,
  count: number,
  limit: number,
  windowMs: number,
): Promise<Granted> {
  const slotMs = windowMs / slotsPerWindow;
  const take = (): Promise<Taken[]> =>
    rows<Taken>(
      db,
      // The row is locked before the clock is read, so that the row read is the row changed. A row that somebody else
      // is just inserting is not visible yet, and the statement changes nothing.
      sql`with was as (select slot, spent from budgets where instance = ${instance} for update)
      insert into budgets as b (instance, slot, spent)
      select ${instance}, clock.slot, array[least(${count}::int, ${limit}::int)] from
        (select count(*) as found from was) locked,
        lateral (select floor(extract(epoch from clock_timestamp()) * 1000 / ${slotMs}::float8)::bigint as slot
          where locked.found >= 0) clock
      on conflict (instance) do update set (slot, spent) = (
        select greatest(b.slot, excluded.slot),
          array[kept.spent[1] + greatest(0, least(${count}::int, ${limit}::int - total.spent))] || kept.spent[2:]
        from (select (array_fill(0, array[least(greatest(excluded.slot - b.slot, 0), ${slotsKept})::int]) || b.spent)[1:${slotsKept}] as spent) kept,
          lateral (select coalesce(sum(one), 0)::int as spent from unnest(kept.spent) as one) total)
        where exists (select 1 from was)
      returning b.spent[1] - coalesce((select was.spent[1] from was where was.slot = b.slot), 0) as granted, b.spent,
        (extract(epoch from clock_timestamp()) * 1000 - b.slot * ${slotMs}::float8)::float8 as into_ms`,
    );
  const row = (await take())[0] ?? (await take())[0];
  if (row === undefined) return { granted: 0, waitMs: windowMs };
  return { granted: row.granted, waitMs: untilFree(row.spent, limit) * slotMs - row.into_ms };
}

/** Counts the slots, from the beginning of the newest one, until a tenth of the limit is free. */
function untilFree(spent: readonly number[], limit: number): number {
  const wanted = Math.max(1, Math.ceil(limit / 10));
  let free = limit - spent.reduce((sum, one) => sum + one, 0);
  for (let age = spent.length - 1; age >= 0 && free < wanted; age -= 1) {
    free += spent[age] ?? 0;
    if (free >= wanted) return slotsKept - age;
  }
  return 1;
}
