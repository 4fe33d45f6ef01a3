/** Mirrors by their names on a link. Ids are each link's own: another link may have given one of the same. */
import { sql } from 'drizzle-orm';
import { insideId } from '#core/log/inside-id.ts';
import { rows, type Db } from '#db/base/client.ts';

/** How a mirror is called here; null where the link has none of that name. */
export async function mirrorHere(db: Db, link: string, said: string): Promise<string | null> {
  const [found] = await rows<{ id: string }>(
    db,
    sql`select id from mirrors where link = ${link} and (id = ${said} and said_id is null or said_id = ${said})`,
  );
  return found?.id ?? null;
}

/** How a mirror of that name is called here, or would be. */
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
