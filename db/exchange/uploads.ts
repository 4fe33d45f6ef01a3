/** Files that arrived through the API: who uploaded them, who may see them, and which are no longer referenced. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import { markUnused } from '#db/log/attachments.ts';
import { textArray } from '#db/base/text-array.ts';

export type Upload = { readonly sha256: string; readonly sizeBytes: number; readonly type: string | null };

/** An upload without an action is kept this long, so that an interrupted sender can continue. */
const keptHours = 24;

export async function rememberUpload(db: Db, link: string, { sha256, sizeBytes, type }: Upload): Promise<void> {
  await db.execute(
    sql`insert into uploads (link, sha256, size_bytes, type) values (${link}, ${sha256}, ${sizeBytes}, ${type})
      on conflict (link, sha256) do update set put_at = now()`,
  );
}

/**
 * Finds a file if this link may see it: because the link uploaded it, or an action on one of its mirrors has it.
 * Otherwise null.
 */
export async function findUpload(
  db: Db,
  link: string,
  sha256: string,
): Promise<(Upload & { name: string | null }) | null> {
  const [found] = await rows<Upload & { name: string | null }>(
    db,
    sql`select sha256, size_bytes::float8 as "sizeBytes", type, name from (
        select u.sha256, u.size_bytes, u.type, null as name, 1 as rank from uploads u where u.link = ${link} and u.sha256 = ${sha256}
        union all
        select f.sha256, f.size_bytes, f.type, (
            select file->>'name' from jsonb_array_elements(a.attachments) file where file->>'sha256' = f.sha256 limit 1
          ), 0
        from attachments f join actions a on a.id = f.action
        where f.sha256 = ${sha256} and exists (
          select 1 from deliveries d join mirrors m on m.id = d.mirror where d.action = f.action and m.link = ${link})
      ) seen order by rank limit 1`,
  );
  return found ?? null;
}

/** Sums the bytes of all uploads of the link that no action on one of its mirrors refers to. */
export async function unreferencedBytes(db: Db, link: string): Promise<number> {
  const [found] = await rows<{ bytes: number }>(
    db,
    sql`select coalesce(sum(u.size_bytes), 0)::float8 as bytes from uploads u
      where u.link = ${link} and not exists (
        select 1 from attachments f join deliveries d on d.action = f.action join mirrors m on m.id = d.mirror
        where f.sha256 = u.sha256 and m.link = ${link})`,
  );
  return found?.bytes ?? 0;
}

/**
 * Returns those digests that this link uploaded or that one of its actions refers to; locks them until the
 * transaction's end.
 */
export async function visibleFiles(db: Db, link: string, digests: readonly string[]): Promise<Set<string>> {
  if (digests.length === 0) return new Set();
  const wanted = textArray([...new Set(digests)]);
  const put = await rows<{ sha256: string }>(
    db,
    sql`select sha256 from uploads where link = ${link} and sha256 = any(${wanted}) order by sha256 for share`,
  );
  const referred = await rows<{ sha256: string }>(
    db,
    sql`select distinct f.sha256 from attachments f
      where f.sha256 = any(${wanted}) and exists (
        select 1 from deliveries d join mirrors m on m.id = d.mirror where d.action = f.action and m.link = ${link})`,
  );
  return new Set([...put, ...referred].map(({ sha256 }) => sha256));
}

/**
 * Deletes uploads that no action used. Returns the digests that nothing refers to any more, after marking them as
 * unused.
 */
export async function purgeUploads(db: Db): Promise<string[]> {
  return db.transaction(async (tx) => {
    const expired = await rows<{ sha256: string }>(
      tx,
      sql`delete from uploads where (link, sha256) in (
          select link, sha256 from uploads where put_at < now() - make_interval(hours => ${keptHours}) limit 5000 for update skip locked)
        returning sha256`,
    );
    if (expired.length === 0) return [];
    const freed = await rows<{ sha256: string }>(
      tx,
      sql`select e.sha256 from unnest(${textArray([...new Set(expired.map(({ sha256 }) => sha256))])}) as e(sha256)
        where not exists (select 1 from attachments f where f.sha256 = e.sha256)
          and not exists (select 1 from uploads u where u.sha256 = e.sha256)`,
    );
    const digests = freed.map(({ sha256 }) => sha256);
    await markUnused(tx, digests);
    return digests;
  });
}
