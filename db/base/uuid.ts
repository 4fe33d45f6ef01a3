/**
 * `uuidv7()` for servers before PostgreSQL 18, which lack it. It is defined in the schema of Ferry's tables; the
 * server's own function, in the system schema, takes precedence.
 */
import type postgres from 'postgres';

/** From this version on the server has its own. */
const serverHasIt = 180_000;

/**
 * RFC 9562, version 7: milliseconds since 1970, then twelve bits of fraction, then random bits. As with the server's
 * own function, ids of one session ascend: each is at least one step (1/4096 ms) after the previous one, which the
 * session stores in a setting. `shift` moves the time but not the order.
 */
const own = `
declare
  us constant bigint := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
  tick constant bigint := greatest(
    us / 1000 * 4096 + us % 1000 * 4096 / 1000,
    coalesce(nullif(current_setting('ferry.uuid_tick', true), '')::bigint, 0) + 1
  );
  at constant bigint := case
    when shift = interval '0' then tick / 4096
    else (extract(epoch from timestamptz 'epoch' + (tick / 4096) * interval '1 millisecond' + shift) * 1000)::bigint
  end;
begin
  perform set_config('ferry.uuid_tick', tick::text, false);
  -- The last half of a random UUID has this version's variant already.
  return (lpad(to_hex(at), 12, '0') || '7' || lpad(to_hex(tick % 4096), 3, '0')
    || right(replace(gen_random_uuid()::text, '-', ''), 16))::uuid;
end`;

/**
 * Defines the function if the server has none. If an earlier version defined it and the server has been upgraded, it
 * calls the server's own from now on.
 */
export async function ensureUuids(sql: postgres.Sql): Promise<void> {
  const [server] = await sql.unsafe<{ version: number; made: boolean; schema: string }[]>(
    `select current_setting('server_version_num')::int as version, quote_ident(current_schema()) as schema,
      exists (select 1 from pg_proc where proname = 'uuidv7' and pronamespace = current_schema()::regnamespace) as made`,
  );
  if (server === undefined) throw new Error('a query without an answer');
  const { version, made, schema } = server;
  const define = `create or replace function ${schema}.uuidv7(shift interval default '0') returns uuid volatile`;
  if (version < serverHasIt) await sql.unsafe(`${define} language plpgsql as $uuid$${own}$uuid$`);
  else if (made) await sql.unsafe(`${define} language sql as $uuid$ select pg_catalog.uuidv7(shift) $uuid$`);
}
