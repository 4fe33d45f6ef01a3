/** The stored configuration: instances, profiles, links and the settings in force of their sides. */
import { and, desc, eq, inArray } from 'drizzle-orm';
import type { LinkSettings, SideSettings } from '#core/rules/settings.ts';
import type { Catalogue, InstanceType, SideName } from '#core/words/vocabulary.ts';
import type { Db } from '#db/base/client.ts';
import { catalogues } from '#db/schema/catalogues.ts';
import { instances } from '#db/schema/instances.ts';
import { links } from '#db/schema/links.ts';
import { profiles } from '#db/schema/profiles.ts';
import { settings } from '#db/schema/settings.ts';
import { sides } from '#db/schema/sides.ts';

export type SettingsInForce = {
  readonly side: string;
  readonly version: number;
  readonly settings: SideSettings;
  readonly profile: string | null;
  /** What the side sets itself; null if not stored. */
  readonly own: Readonly<Record<string, unknown>> | null;
};

/** @param side `<link>/<customer|supplier>`; null if there is none */
export async function settingsInForce(db: Db, side: string): Promise<SettingsInForce | null> {
  const [row] = await db
    .select({
      side: sides.id,
      version: sides.settingsVersion,
      settings: settings.settings,
      profile: settings.profile,
      own: settings.own,
    })
    .from(sides)
    .innerJoin(settings, and(eq(settings.side, sides.id), eq(settings.version, sides.settingsVersion)))
    .where(eq(sides.id, side));
  return row ?? null;
}

export type StoredInstance = {
  readonly id: string;
  readonly type: InstanceType;
  readonly name: string;
  readonly url: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** From `ferry check`. */
  readonly learned: Readonly<Record<string, string | number | boolean>>;
  /** Sealed. */
  readonly credentials: string;
  readonly hookSecretHash: string | null;
  /** What the helpdesk reports about itself. */
  readonly identity: string | null;
  readonly version: number;
  readonly catalogueVersion: number;
  /** Go-live, instant by the desk's clock; null until it was queried. */
  readonly liveSince: string | null;
};

export type StoredSide = SettingsInForce & {
  readonly link: string;
  readonly name: SideName;
  readonly instance: string;
};

export type StoredFederation = {
  readonly instances: ReadonlyMap<string, StoredInstance>;
  readonly profiles: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly links: ReadonlyMap<string, LinkSettings>;
  /** Links that are closing or closed. */
  readonly ended: ReadonlySet<string>;
  /** By `<link>/<side>`. */
  readonly sides: ReadonlyMap<string, StoredSide>;
};

export async function loadFederation(db: Db): Promise<StoredFederation> {
  const [instanceRows, profileRows, linkRows, sideRows] = [
    await db
      .select({
        id: instances.id,
        type: instances.type,
        name: instances.name,
        url: instances.url,
        options: instances.options,
        learned: instances.learned,
        credentials: instances.credentials,
        hookSecretHash: instances.hookSecretHash,
        identity: instances.identity,
        version: instances.version,
        liveSince: instances.liveSince,
        catalogueVersion: instances.catalogueVersion,
      })
      .from(instances),
    await db.select().from(profiles),
    await db.select().from(links),
    await db
      .select({
        side: sides.id,
        link: sides.link,
        name: sides.side,
        instance: sides.instance,
        version: sides.settingsVersion,
        settings: settings.settings,
        profile: settings.profile,
        own: settings.own,
      })
      .from(sides)
      .innerJoin(settings, and(eq(settings.side, sides.id), eq(settings.version, sides.settingsVersion))),
  ];
  return {
    instances: new Map(instanceRows.map((row) => [row.id, row])),
    profiles: new Map(profileRows.map((row) => [row.id, row.settings])),
    links: new Map(linkRows.map((row) => [row.id, row.settings])),
    ended: new Set(linkRows.flatMap(({ id, state }) => (state === 'closing' || state === 'closed' ? [id] : []))),
    sides: new Map(sideRows.map((row) => [row.side, row])),
  };
}

export type StoredCatalogue = {
  readonly instance: string;
  readonly version: number;
  readonly catalogue: Catalogue;
  /** Instant. */
  readonly readAt: string;
};

/** Returns the latest catalogue of each instance that has one. */
export async function latestCatalogues(db: Db, ids: readonly string[]): Promise<Map<string, StoredCatalogue>> {
  if (ids.length === 0) return new Map();
  const found = await db
    .selectDistinctOn([catalogues.instance], {
      instance: catalogues.instance,
      version: catalogues.version,
      catalogue: catalogues.catalogue,
      readAt: catalogues.readAt,
    })
    .from(catalogues)
    .where(inArray(catalogues.instance, [...ids]))
    .orderBy(catalogues.instance, desc(catalogues.version));
  return new Map(found.map((row) => [row.instance, row]));
}
