import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';

/** Claims the refresh of a catalogue older than this: its time is moved forward, so that only one process reads it. */
export async function claimCatalogue(
  db: Db,
  instance: string,
  olderThanMs: number,
): Promise<{ readonly version: number } | null> {
  const [row] = await rows<{ version: number }>(
    db,
    sql`update catalogues c set read_at = now()
      from instances i
      where i.id = ${instance} and c.instance = i.id and c.version = i.catalogue_version
        and c.read_at < now() - make_interval(secs => ${olderThanMs / 1000})
      returning c.version`,
  );
  return row ?? null;
}
