/**
 * Detects whether this database is still the one it was, in the state it had reached. A restored dump or a clone on
 * another server has another fingerprint; a database reset in place lacks what a witness outside it has seen. In both
 * cases all its links start quarantined, because it no longer knows what it has written: docs/decisions/0023.
 */
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import { rows, type Client, type Db, type Tx } from '#db/base/client.ts';
import { beginGeneration, forgotten, type Generation } from './generations.ts';
import { setLinkState } from './link-life.ts';

/** Computes the fingerprint of the server and its database; 32 hex digits. */
export async function databaseFingerprint(db: Db): Promise<string> {
  const [row] = await rows<{ system: string; database: string }>(
    db,
    sql`select (select system_identifier::text from pg_control_system()) as system, oid::text as database
      from pg_database where datname = current_database()`,
  );
  return createHash('sha256').update(JSON.stringify(row)).digest('hex').slice(0, 32);
}

/** What a process has seen of a database, stored outside it. */
export type Testimony = Generation & { readonly fingerprint: string };

export type Begun = {
  readonly generation: Generation;
  readonly fingerprint: string;
  /** Links that were quarantined for this reason. */
  readonly quarantined: readonly string[];
  /** Testimonies about this database that have been taken into account. */
  readonly heard: readonly Testimony[];
};

export type BeginInput = {
  readonly publicUrl: string | undefined;
  /** Called under the lock that every start takes. */
  readonly testimonies: () => Promise<readonly Testimony[]>;
  /** The running process's own generation is missing from the database. */
  readonly lost?: boolean;
};

/** Called at the start of each process, and when a running one finds its own generation missing. */
export async function beginHere(db: Client, { publicUrl, testimonies, lost = false }: BeginInput): Promise<Begun> {
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
    // Only those about this database: another one may have used the same directory.
    const heard = (await testimonies()).filter((one) => one.fingerprint === before?.fingerprint);
    const isOther = before !== undefined && before.fingerprint !== fingerprint;
    const isOlder = lost || (before !== undefined && (await forgotten(tx, heard)).length > 0);
    const why = isOther ? otherText : isOlder ? olderText : null;
    const quarantined = why === null ? [] : await quarantineAll(tx, why);
    return { generation: await beginGeneration(tx), fingerprint, quarantined, heard };
  });
}

const otherText = "This gateway's database was restored or cloned: its identity has changed since the last start.";
const olderText = "This gateway's database is older than it was: it was reset to an earlier state.";

/** Quarantines all links. A closing link can't rest any more, so its writes are looked for before they are made. */
async function quarantineAll(tx: Tx, detail: string): Promise<string[]> {
  const links = await rows<{ id: string }>(
    tx,
    sql`select id from links where state in ('active', 'suspended') order by id`,
  );
  await tx.execute(sql`update links set resumed_at = now() where state = 'closing'`);
  const why = reason('link-quarantined', { detail });
  const quarantined: string[] = [];
  for (const { id } of links) if (await setLinkState(tx, id, 'quarantined', why)) quarantined.push(id);
  return quarantined;
}
