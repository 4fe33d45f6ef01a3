/** Whose hand settings show, by the audit. */
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import type { Db } from '#db/base/client.ts';
import { textArray } from '#db/base/text-array.ts';

/** Whether somebody else than `by` ever applied a change to one of these (`links/<id>`, `profiles/<id>`). */
export async function changedByOthers(db: Db, subjects: readonly string[], by: string): Promise<boolean> {
  const [row] = await rows<{ found: boolean }>(
    db,
    sql`select exists (
        select 1 from audit where subject = any(${textArray(subjects)}) and what = 'apply' and by <> ${by}
      ) as found`,
  );
  return row?.found ?? false;
}
