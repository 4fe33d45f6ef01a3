/**
 * Whether this database is the one that it was, and as far as it was. A restored dump or a clone on another server has
 * another fingerprint; one that was put back in its place lacks what a witness outside of it has seen. All its links come
 * up quarantined, because it no longer knows what it has written: docs/decisions/0023.
 */
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import { rows, type Client, type Db, type Tx } from '#db/base/client.ts';
import { beginGeneration, forgotten, type Generation } from './generations.ts';
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

/** What a process has seen of a database, kept outside of it. */
export type Testimony = Generation & { readonly fingerprint: string };

export type Begun = {
  readonly generation: Generation;
  readonly fingerprint: string;
  /** Links that are quarantined because of it. */
  readonly quarantined: readonly string[];
  /** Testimonies of this database that have said what they had to say. */
  readonly heard: readonly Testimony[];
};

export type BeginInput = {
  readonly publicUrl: string | undefined;
  /** Asked under the lock that every start takes. */
  readonly testimonies: () => Promise<readonly Testimony[]>;
  /** The process's own, where it runs already and the database no longer has it. */
  readonly lost?: boolean;
};

/** At the start of each process, and where a running one finds its own generation gone. */
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
    // Of this database alone: another one may have had the same directory.
    const heard = (await testimonies()).filter((one) => one.fingerprint === before?.fingerprint);
    const isOther = before !== undefined && before.fingerprint !== fingerprint;
    const isOlder = lost || (before !== undefined && (await forgotten(tx, heard)).length > 0);
    const why = isOther ? otherText : isOlder ? olderText : null;
    const quarantined = why === null ? [] : await quarantineAll(tx, why);
    return { generation: await beginGeneration(tx), fingerprint, quarantined, heard };
  });
}

const otherText = "This gateway's database is another one than it was.";
const olderText = "This gateway's database is older than it was; it was put back to an earlier state.";

/** What is closing can't rest any more; it is looked for before it is written. */
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
