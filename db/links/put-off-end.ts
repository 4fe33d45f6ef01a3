/** Another end for a link that is suspended already; the caller audits it. */
import { sql } from 'drizzle-orm';
import type { Reason } from '#core/words/vocabulary.ts';
import { rows, type Tx } from '#db/base/client.ts';
import { iso } from '#db/base/iso.ts';

/** The end before, null where it had none; undefined where the link is not suspended. */
export async function suspendUntil(
  tx: Tx,
  link: string,
  why: Reason,
  { by, until }: { readonly by: string; readonly until: string },
): Promise<string | null | undefined> {
  const [changed] = await rows<{ before: string | null }>(
    tx,
    sql`update links l set suspended_by = ${by}, suspended_until = ${until}::timestamptz, state_reason = ${JSON.stringify(why)}::jsonb
      from (select id, ${iso('suspended_until')} as before from links where id = ${link} and state = 'suspended' for update) old
      where l.id = old.id returning old.before`,
  );
  return changed === undefined ? undefined : changed.before;
}
