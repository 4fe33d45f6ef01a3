/** Files of logged actions: staged, or why they can't come. */
import { sql } from 'drizzle-orm';
import type { Attachment } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';

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
      values (${action}, ${id}, ${staged.file?.sha256 ?? null}, ${staged.file?.sizeBytes ?? null}, ${staged.file?.type ?? null}, ${staged.failure})
      on conflict (action, id) do update set sha256 = excluded.sha256, size_bytes = excluded.size_bytes,
        type = excluded.type, failure = excluded.failure`,
  );
}

/** The constant part as it leaves has its files' digests. */
export async function rememberFiles(db: Db, action: string, files: readonly Attachment[], hash: string): Promise<void> {
  await db.execute(
    sql`update actions set attachments = ${JSON.stringify(files)}::jsonb, hash = ${hash} where id = ${action}`,
  );
}
