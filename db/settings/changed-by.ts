/** Who last changed the settings, from the audit log. */
import { sql } from 'drizzle-orm';
import type { AuditActor } from '#db/base/audit.ts';
import { rows } from '#db/base/client.ts';
import type { Db } from '#db/base/client.ts';
import { textArray } from '#db/base/text-array.ts';

/**
 * Tells whether somebody else ever applied a change to one of these (`links/<id>`, `profiles/<id>`). Names can be
 * chosen freely, so kind and id identify the actor; older rows only have the name.
 */
export async function changedByOthers(
  db: Db,
  subjects: readonly string[],
  { kind, id, name }: AuditActor,
): Promise<boolean> {
  const [row] = await rows<{ found: boolean }>(
    db,
    sql`select exists (
        select 1 from audit where subject = any(${textArray(subjects)}) and what in ('apply', 'rollback')
          and case when detail->'actor' is null then by <> ${name}
            else (detail->'actor'->>'kind', detail->'actor'->>'id') is distinct from (${kind}, ${id}) end
      ) as found`,
  );
  return row?.found ?? false;
}
