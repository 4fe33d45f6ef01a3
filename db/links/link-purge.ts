/** Deletes everything that belongs to a link that has ended. What other links have of the same tickets stays. */
import { sql } from 'drizzle-orm';
import { rows, type Tx } from '#db/base/client.ts';
import { typeIsRemote } from '#db/base/reach.ts';
import { textArray, uuidArray } from '#db/base/text-array.ts';

export type Purged = {
  readonly mirrors: number;
  readonly actions: number;
  /** Left to the next clean-up. */
  readonly files: number;
};

/** Returns null if the link does not exist or has not ended; the caller audits it. */
export async function purgeLink(tx: Tx, link: string): Promise<Purged | null> {
  const [row] = await rows<{ state: string }>(tx, sql`select state from links where id = ${link} for update`);
  if (row?.state !== 'closed') return null;
  const mirrors = await rows<{ id: string }>(tx, sql`delete from mirrors where link = ${link} returning id`);
  const of = sql`any(${uuidArray(mirrors.map(({ id }) => id))})`;
  const deliveries = await rows<{ id: string; action: string }>(
    tx,
    sql`delete from deliveries where mirror = ${of} returning id, action`,
  );
  const gone = sql`any(${uuidArray(deliveries.map(({ id }) => id))})`;
  await tx.execute(sql`delete from attempts where delivery = ${gone}`);
  await tx.execute(sql`delete from writes where delivery = ${gone}`);
  await tx.execute(sql`delete from offers where link = ${link}`);
  await tx.execute(sql`delete from lanes where link = ${link}`);
  const concerned = [...new Set(deliveries.map(({ action }) => action))];
  const actions = await rows<{ id: string; instance: string; entity: string; ticket: string }>(
    tx,
    sql`delete from actions a where a.id = any(${uuidArray(concerned)})
        and not exists (select 1 from deliveries d where d.action = a.id)
      returning a.id, a.instance, a.entity, a.ticket`,
  );
  // Like unused uploads, the files go with the next clean-up, unless something else refers to them.
  const files = await rows(
    tx,
    sql`with gone as (
        delete from attachments where action = any(${uuidArray(actions.map(({ id }) => id))}) returning sha256, size_bytes
      ), put as (
        delete from uploads where link = ${link} returning sha256, size_bytes
      ), files as (
        select sha256, max(size_bytes) as size_bytes from (select * from gone union all select * from put) f
        where sha256 is not null group by sha256
      )
      insert into uploads (link, sha256, size_bytes, put_at)
      select ${`purged/${link}`}, sha256, coalesce(size_bytes, 0), now() - interval '1 year' from files
      on conflict (link, sha256) do nothing returning sha256`,
  );
  // The snapshot is content; it is kept only while some mirror shows the ticket.
  await tx.execute(
    sql`update tickets t set snapshot = null
      where (t.instance, t.entity, t.external_id) in (select * from unnest(${textArray(actions.map(({ instance }) => instance))},
        ${textArray(actions.map(({ entity }) => entity))}, ${textArray(actions.map(({ ticket }) => ticket))}))
        and not exists (select 1 from mirrors m where (m.first_instance = t.instance and m.first_entity = t.entity and m.first_ticket = t.external_id)
          or (m.second_instance = t.instance and m.second_entity = t.entity and m.second_ticket = t.external_id))`,
  );
  const remote = await rows<{ id: string }>(
    tx,
    sql`select i.id from sides s join instances i on i.id = s.instance where s.link = ${link} and ${typeIsRemote('i.type')}`,
  );
  for (const table of ['clients', 'peers', 'webhooks', 'notices', 'pairings', 'erasures', 'sides'] as const)
    await tx.execute(sql`delete from ${sql.identifier(table)} where link = ${link}`);
  await tx.execute(sql`delete from settings where side in (${`${link}/customer`}, ${`${link}/supplier`})`);
  await tx.execute(sql`delete from saved_settings where subject = ${`links/${link}`}`);
  await tx.execute(sql`delete from links where id = ${link}`);
  for (const { id } of remote) {
    const used = await rows(tx, sql`select 1 as one from sides where instance = ${id} limit 1`);
    if (used.length > 0) continue;
    await tx.execute(sql`delete from couriers where instance = ${id}`);
    await tx.execute(sql`delete from catalogues where instance = ${id}`);
    await tx.execute(sql`delete from instances where id = ${id}`);
  }
  return {
    mirrors: mirrors.length,
    actions: actions.length,
    files: files.length,
  };
}
