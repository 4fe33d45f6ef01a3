/** Requests per instance and window, shared by every process. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from './client.ts';

/** Takes up to `count` requests; 0 granted with the milliseconds until the window ends. */
export async function takeBudget(
  db: Db,
  instance: string,
  count: number,
  limit: number,
  windowMs: number,
): Promise<{ readonly granted: number; readonly waitMs: number }> {
  const seconds = windowMs / 1000;
  const [row] = await rows<{ granted: number; wait_ms: number }>(
    db,
    sql`insert into budgets as b (instance, window_start, used) values (${instance}, now(), least(${count}, ${limit})::int)
      on conflict (instance) do update set
        window_start = case when b.window_start + make_interval(secs => ${seconds}) <= now() then now() else b.window_start end,
        used = case when b.window_start + make_interval(secs => ${seconds}) <= now()
          then least(${count}, ${limit})::int else least(b.used + ${count}, ${limit})::int end
      returning
        new.used - case when old.window_start is distinct from new.window_start then 0 else old.used end as granted,
        (extract(epoch from new.window_start + make_interval(secs => ${seconds}) - now()) * 1000)::float8 as wait_ms`,
  );
  return { granted: row?.granted ?? 0, waitMs: row?.wait_ms ?? windowMs };
}
