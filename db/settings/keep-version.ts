/** A new version of a profile, or of a link's own settings, in the transaction that saves it. */
import { sql } from 'drizzle-orm';
import type { Tx } from '#db/base/client.ts';

/** @param subject `links/<id>` or `profiles/<id>` @param by who saves it */
export async function keepVersion(
  tx: Tx,
  subject: string,
  settings: Readonly<Record<string, unknown>>,
  by: string,
): Promise<void> {
  await tx.execute(
    sql`insert into saved_settings (subject, version, settings, changed_by)
      select ${subject}, coalesce(max(version), 0) + 1, ${JSON.stringify(settings)}::jsonb, ${by}
      from saved_settings where subject = ${subject}`,
  );
}
