/** Caches settings: each version is immutable, so a process may keep the versions it has read. */
import { and, eq } from 'drizzle-orm';
import { LRUCache } from 'lru-cache';
import type { SideSettings } from '#core/rules/settings.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';
import type { Db } from '#db/base/client.ts';
import { sendingOn, type UnitOfWork } from '#db/base/unit-of-work.ts';
import { catalogues } from '#db/schema/catalogues.ts';
import { settings } from '#db/schema/settings.ts';

export type VersionCache = {
  /** In a unit of work, what is left for later is sent only where a version is not kept yet. */
  side(db: Db | UnitOfWork, side: string, version: number): Promise<SideSettings>;
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
      const [row] = await sendingOn(db)
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
function createKept<Value extends {}>(most: number, mostUnlike: number): Kept<Value> {
  const shared = new Map<string, { readonly value: Value; uses: number }>();
  const byKey = new LRUCache<string, { readonly content: string; readonly value: Value }>({
    maxSize: most,
    sizeCalculation: () => 1,
    dispose: ({ content }) => {
      const one = shared.get(content);
      if (one === undefined) return;
      one.uses -= 1;
      if (one.uses === 0) shared.delete(content);
    },
  });
  return {
    get: (key) => byKey.get(key)?.value,
    keep(key, value) {
      const content = JSON.stringify(value);
      const one = shared.get(content) ?? { value, uses: 0 };
      one.uses += 1;
      shared.set(content, one);
      byKey.set(key, { content, value: one.value });
      // Whatever refers to a content goes with it, so that the contents kept stay few.
      while (shared.size > mostUnlike) byKey.pop();
      return one.value;
    },
  };
}
