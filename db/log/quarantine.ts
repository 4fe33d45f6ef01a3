/**
 * Quarantines an instance whose desk was restored from a backup: ids are assigned a second time, so a ticket may now be
 * another one. Nothing is read or written there until somebody has looked.
 */
import { sql } from 'drizzle-orm';
import { reason } from '#core/words/reasons.ts';
import { content } from '#db/base/content.ts';
import { rows, type Client } from '#db/base/client.ts';

/** Most links that get a notice about one instance. */
const linksTold = 50;

export const causeOf = (instance: string): string => `restored/${instance}`;

/** Returns the text of the notice; null if it was already in quarantine. */
export async function quarantineInstance(db: Client, instance: string, detail: string): Promise<string | null> {
  return db.transaction(async (tx) => {
    const [row] = await rows<{ name: string }>(
      tx,
      sql`select name from instances where id = ${instance} and quarantined_at is null for update`,
    );
    if (row === undefined) return null;
    const why = reason('desk-restored', { desk: row.name, name: instance, detail });
    await tx.execute(
      sql`update instances set quarantined_at = now(), quarantine_reason = ${JSON.stringify(why)}::jsonb where id = ${instance}`,
    );
    await tx.execute(
      sql`insert into notices (link, cause, text)
        select s.link, ${causeOf(instance)}, ${content('notice', why.text)}::text from sides s join links l on l.id = s.link and l.state <> 'closed'
        where s.instance = ${instance} order by s.link limit ${linksTold}
        on conflict (link, cause) where cleared_at is null do update set count = notices.count + 1, last_at = now()`,
    );
    return why.text;
  });
}
