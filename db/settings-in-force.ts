/** Settings are immutable per version, so a process may keep the versions it has read. */
import { and, eq } from 'drizzle-orm';
import type { SideSettings } from '#core/settings.ts';
import type { Catalogue } from '#core/vocabulary.ts';
import type { Db } from './client.ts';
import { catalogues } from './schema/catalogues.ts';
import { settings } from './schema/settings.ts';

export type VersionCache = {
  side(db: Db, side: string, version: number): Promise<SideSettings>;
  catalogue(db: Db, instance: string, version: number): Promise<Catalogue>;
};

const emptyCatalogue: Catalogue = {
  statuses: [],
  categories: [],
  types: [],
  priorities: [],
  fields: [],
  kinds: [],
  accounts: [],
  teams: [],
};

/** Keeps at most `most` versions of each; the oldest used goes first. */
export function createVersionCache(most = 2_000): VersionCache {
  const sides = new Map<string, SideSettings>();
  const read = new Map<string, Catalogue>();
  return {
    async side(db, side, version) {
      const key = `${side}@${version}`;
      const kept = sides.get(key);
      if (kept !== undefined) return kept;
      const [row] = await db
        .select({ settings: settings.settings })
        .from(settings)
        .where(and(eq(settings.side, side), eq(settings.version, version)));
      if (row === undefined) throw new Error(`settings ${key} are missing`);
      remember(sides, key, row.settings, most);
      return row.settings;
    },
    async catalogue(db, instance, version) {
      if (version === 0) return emptyCatalogue;
      const key = `${instance}@${version}`;
      const kept = read.get(key);
      if (kept !== undefined) return kept;
      const [row] = await db
        .select({ catalogue: catalogues.catalogue })
        .from(catalogues)
        .where(and(eq(catalogues.instance, instance), eq(catalogues.version, version)));
      if (row === undefined) throw new Error(`catalogue ${key} is missing`);
      remember(read, key, row.catalogue, most);
      return row.catalogue;
    },
  };
}

function remember<Value>(cache: Map<string, Value>, key: string, value: Value, most: number): void {
  if (cache.size >= most) {
    const [oldest] = cache.keys();
    if (oldest !== undefined) cache.delete(oldest);
  }
  cache.set(key, value);
}
