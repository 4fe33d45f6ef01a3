/** Mirrors by their names on a link. Each link assigns its own ids, so another link may use the same one. */
import { sql } from 'drizzle-orm';
import { insideId } from '#core/log/inside-id.ts';
import { rows, type Db } from '#db/base/client.ts';

/** Returns the local id of a mirror; null if the link has none with that name. */
export async function mirrorHere(db: Db, link: string, said: string): Promise<string | null> {
  const [found] = await rows<{ id: string }>(
    db,
    sql`select id from mirrors where link = ${link} and (id = ${said} and said_id is null or said_id = ${said})`,
  );
  return found?.id ?? null;
}

/** Returns the local id that a mirror with that name has, or would get. */
export async function mirrorNamed(db: Db, link: string, said: string): Promise<string> {
  const found = await rows<{ id: string; link: string; said: string }>(
    db,
    sql`select id, link, coalesce(said_id, id) as said from mirrors
      where id = ${said} or link = ${link} and said_id = ${said}`,
  );
  const known = found.find((one) => one.link === link && one.said === said);
  if (known !== undefined) return known.id;
  return found.some(({ id }) => id === said) ? insideId(said, `mirror ${link}`) : said;
}
