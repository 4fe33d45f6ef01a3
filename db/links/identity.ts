/**
 * Whether this database is the one that it was. A restored dump or a clone on another server has another fingerprint; its
 * links with other gateways come up quarantined, because both sides may remember different things.
 */
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import { rows, type Client, type Db } from '#db/base/client.ts';
import { typeIsRemote } from '#db/base/reach.ts';
import { setLinkState } from './link-life.ts';

/** Of the server and the database in it; 32 hex digits. */
export async function databaseFingerprint(db: Db): Promise<string> {
  const [row] = await rows<{ system: string; database: string }>(
    db,
    sql`select (select system_identifier::text from pg_control_system()) as system, oid::text as database
      from pg_database where datname = current_database()`,
  );
  return createHash('sha256').update(JSON.stringify(row)).digest('hex').slice(0, 32);
}

/** At the start of each process. Returns the links that are quarantined because of it. */
export async function checkFingerprint(db: Client, publicUrl: string | undefined): Promise<string[]> {
  const fingerprint = await databaseFingerprint(db);
  return db.transaction(async (tx) => {
    const [before] = await rows<{ fingerprint: string }>(
      tx,
      sql`select fingerprint from gateway where id = 1 for update`,
    );
    await tx.execute(
      sql`insert into gateway (id, fingerprint, public_url) values (1, ${fingerprint}, ${publicUrl ?? null})
        on conflict (id) do update set fingerprint = excluded.fingerprint, public_url = excluded.public_url, seen_at = now()`,
    );
    if (before === undefined || before.fingerprint === fingerprint) return [];
    const links = await rows<{ id: string }>(
      tx,
      sql`select l.id from links l where l.state in ('active', 'suspended')
        and exists (select 1 from sides s join instances i on i.id = s.instance where s.link = l.id and ${typeIsRemote('i.type')})
        order by l.id`,
    );
    const why = reason('link-quarantined', { detail: "This gateway's database is another one than it was." });
    const quarantined: string[] = [];
    for (const { id } of links) if (await setLinkState(tx, id, 'quarantined', why)) quarantined.push(id);
    return quarantined;
  });
}
