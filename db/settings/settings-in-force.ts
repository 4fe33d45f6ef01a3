/** Caches settings: each version is immutable, so a process may keep the versions it has read. */
import { and, eq } from 'drizzle-orm';
import type { SideSettings } from '#core/rules/settings.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';
import type { Db } from '#db/base/client.ts';
import { catalogues } from '#db/schema/catalogues.ts';
import { settings } from '#db/schema/settings.ts';

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

/**
 * Keeps at most `most` versions of each, with at most `mostUnlike` different contents; the oldest are dropped first.
 */
export function createVersionCache(most = 50_000, mostUnlike = 2_000): VersionCache {
  const sides = createKept<SideSettings>(most, mostUnlike);
  const read = createKept<Catalogue>(most, mostUnlike);
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
      return sides.keep(key, row.settings);
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
      return read.keep(key, row.catalogue);
    },
  };
}

type Kept<Value> = {
  get(key: string): Value | undefined;
  keep(key: string, value: Value): Value;
};

/** Thousands of customers share a profile, so equal contents are stored once. */
function createKept<Value>(most: number, mostUnlike: number): Kept<Value> {
  const byKey = new Map<string, Value>();
  const byContent = new Map<string, Value>();
  return {
    get: (key) => byKey.get(key),
    keep(key, value) {
      const content = JSON.stringify(value);
      const same = byContent.get(content) ?? value;
      if (byContent.size >= mostUnlike) {
        // Everything that refers to a content is dropped with it, so that few contents stay.
        byContent.clear();
        byKey.clear();
      }
      byContent.set(content, same);
      if (byKey.size >= most) {
        const [oldest] = byKey.keys();
        if (oldest !== undefined) byKey.delete(oldest);
      }
      byKey.set(key, same);
      return same;
    },
  };
}
