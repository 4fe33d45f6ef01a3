/** Files of logged actions: staged, or why they can't come. */
import { sql } from 'drizzle-orm';
import type { Attachment } from '#core/words/vocabulary.ts';
import { rows, type Client, type Db } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { textArray } from '#db/base/text-array.ts';

export type StagedFile = {
  readonly sha256: string | null;
  readonly sizeBytes: number | null;
  readonly type: string | null;
  readonly failure: string | null;
};

export async function stagedOf(db: Db, action: string): Promise<Map<string, StagedFile>> {
  const found = await rows<StagedFile & { id: string }>(
    db,
    sql`select id, sha256, size_bytes::float8 as "sizeBytes", type, failure from attachments where action = ${action}`,
  );
  return new Map(found.map((row) => [row.id, row]));
}

export async function rememberStaged(
  db: Db,
  action: string,
  id: string,
  staged: {
    readonly file: { readonly sha256: string; readonly sizeBytes: number; readonly type: string | null } | null;
    readonly failure: string | null;
  },
): Promise<void> {
  await db.execute(
    sql`insert into attachments (action, id, sha256, size_bytes, type, failure)
      values (${action}, ${id}, ${staged.file?.sha256 ?? null}, ${staged.file?.sizeBytes ?? null}, ${staged.file?.type ?? null}, ${content('failure', staged.failure)})
      on conflict (action, id) do update set sha256 = excluded.sha256, size_bytes = excluded.size_bytes,
        type = excluded.type, failure = excluded.failure`,
  );
}

/** Stores the files with their digests and the hash of the constant part as it leaves. */
export async function rememberFiles(db: Db, action: string, files: readonly Attachment[], hash: string): Promise<void> {
  await db.execute(
    sql`update actions set attachments = ${content('attachments', files)}::jsonb, hash = ${hash} where id = ${action}`,
  );
}

/** Marks files that nothing seems to refer to any more; called in the transaction that removed the last reference. */
export async function markUnused(db: Db, digests: readonly string[]): Promise<void> {
  if (digests.length === 0) return;
  await db.execute(
    sql`insert into unused_files (sha256) select distinct f.sha256 from unnest(${textArray(digests)}) as f(sha256)
      order by 1 on conflict (sha256) do nothing`,
  );
}

/** A file that nobody has stored, requested or referenced for this long belongs to nobody. Minutes. */
const unusedMinutes = 60;

/**
 * Deletes files that were marked an hour ago and are still unreferenced, one at a time under the mark's lock. `remove`
 * deletes a file unless it was stored or requested within `untouchedMs`, because the caller that has just stored it
 * refers to it only later.
 */
export async function deleteUnused(
  db: Client,
  remove: (sha256: string, untouchedMs: number) => Promise<boolean>,
): Promise<number> {
  const due = await rows<{ sha256: string }>(
    db,
    sql`select sha256 from unused_files where marked_at < now() - make_interval(mins => ${unusedMinutes})
      order by marked_at limit 1000`,
  );
  let deleted = 0;
  for (const { sha256 } of due) {
    await db.transaction(async (tx) => {
      const [mark] = await rows<{ used: boolean }>(
        tx,
        sql`select exists (select 1 from attachments f join actions a on a.id = f.action where f.sha256 = u.sha256 and a.words is not null)
            or exists (select 1 from uploads p where p.sha256 = u.sha256) as used
          from unused_files u where u.sha256 = ${sha256} for update of u skip locked`,
      );
      if (mark === undefined) return;
      if (!mark.used && (await remove(sha256, unusedMinutes * 60_000))) deleted += 1;
      else if (!mark.used) return;
      await tx.execute(sql`delete from unused_files where sha256 = ${sha256}`);
    });
  }
  return deleted;
}
