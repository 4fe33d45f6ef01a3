/** Loads what our side offers on a link. */
import { sql } from 'drizzle-orm';
import { offeredCatalogue, type LinkCatalogue } from '#core/rules/offered-catalogue.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import { rows, type Db } from '#db/base/client.ts';
import type { VersionCache } from '#db/settings/settings-in-force.ts';

/** Returns null if there is no such link. */
export async function linkCatalogue(
  db: Db,
  cache: VersionCache,
  link: string,
  side: SideName,
): Promise<LinkCatalogue | null> {
  const [row] = await rows<{ instance: string; settings: number; catalogue: number }>(
    db,
    sql`select s.instance, s.settings_version as settings, i.catalogue_version as catalogue
      from sides s join instances i on i.id = s.instance where s.id = ${`${link}/${side}`}`,
  );
  if (row === undefined) return null;
  const [settings, catalogue] = await Promise.all([
    cache.side(db, `${link}/${side}`, row.settings),
    cache.catalogue(db, row.instance, row.catalogue),
  ]);
  return offeredCatalogue(settings, catalogue, side);
}
