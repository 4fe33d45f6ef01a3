/** Stores the changes in a links file. The caller runs all of it in one transaction. */
import { sql } from 'drizzle-orm';
import type { LinkSettings, SideSettings } from '#core/rules/settings.ts';
import type { Catalogue, InstanceType, SideName } from '#core/words/vocabulary.ts';
import type { Tx } from '#db/base/client.ts';
import { placeOf } from '#db/base/places.ts';
import { rows } from '#db/base/client.ts';
import { keepVersion } from './keep-version.ts';
import { catalogues } from '#db/schema/catalogues.ts';
import { couriers } from '#db/schema/couriers.ts';
import { feeds } from '#db/schema/feeds.ts';
import { instances } from '#db/schema/instances.ts';
import { links } from '#db/schema/links.ts';
import { profiles } from '#db/schema/profiles.ts';
import { settings } from '#db/schema/settings.ts';
import { sides } from '#db/schema/sides.ts';

/** Any constant. A transaction that changes settings holds this lock until the transaction's end. */
const settingsLock = 7_203_115;

export async function lockSettings(tx: Tx): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${settingsLock})`);
}

export type NewInstance = {
  readonly id: string;
  readonly type: InstanceType;
  readonly name: string;
  readonly url: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Sealed. */
  readonly credentials: string;
  readonly hookSecretHash: string | null;
};

/** Creates or changes an instance, and makes everything that waits for it retry at once. */
export async function saveInstance(tx: Tx, instance: NewInstance): Promise<void> {
  const { id, type, name, url, credentials, hookSecretHash } = instance;
  const options = { ...instance.options };
  await tx
    .insert(instances)
    .values({ id, type, name, url, options, credentials, hookSecretHash })
    .onConflictDoUpdate({
      target: instances.id,
      set: {
        name,
        url,
        options,
        // Facts about another server are worthless.
        learned: sql`case when ${instances.url} = ${url} then ${instances.learned} else '{}'::jsonb end`,
        credentials,
        hookSecretHash,
        version: sql`${instances.version} + 1`,
      },
    });
  await tx
    .insert(feeds)
    .values({ instance: id })
    .onConflictDoUpdate({ target: [feeds.instance, feeds.entity], set: { nextPollAt: sql`now()`, failures: 0 } });
  await tx
    .insert(couriers)
    .values({ instance: id })
    .onConflictDoUpdate({ target: couriers.instance, set: { retryAt: null, failures: 0 } });
}

/** Stores a new version; decisions made with an older one remain explicable. */
export async function saveCatalogue(tx: Tx, instance: string, version: number, catalogue: Catalogue): Promise<void> {
  await tx.insert(catalogues).values({ instance, version, catalogue });
  await tx.execute(sql`update instances set catalogue_version = ${version} where id = ${instance}`);
}

/** @param by who saves it, for its version */
export async function saveProfile(
  tx: Tx,
  id: string,
  profile: Readonly<Record<string, unknown>>,
  by: string,
): Promise<void> {
  await tx
    .insert(profiles)
    .values({ id, settings: { ...profile } })
    .onConflictDoUpdate({
      target: profiles.id,
      set: { settings: { ...profile }, changedAt: sql`now()` },
    });
  await keepVersion(tx, `profiles/${id}`, { ...profile }, by);
}

/** @param by who saves it, for its version */
export async function saveLink(tx: Tx, id: string, link: LinkSettings, by: string): Promise<void> {
  await tx
    .insert(links)
    .values({ id, settings: link })
    .onConflictDoUpdate({ target: links.id, set: { settings: link } });
  await keepVersion(tx, `links/${id}`, link, by);
}

export type NewSettings = {
  readonly link: string;
  readonly name: SideName;
  readonly instance: string;
  readonly settings: SideSettings;
  readonly profile: string | null;
  readonly own: Readonly<Record<string, unknown>>;
  readonly by: string;
};

/** Stores a new version of a side's settings, in force from now on. Returns its number. */
export async function saveSide(tx: Tx, side: NewSettings): Promise<number> {
  const id = `${side.link}/${side.name}`;
  const [last] = await rows<{ version: number }>(
    tx,
    sql`select coalesce(max(version), 0)::int as version from settings where side = ${id}`,
  );
  const version = (last?.version ?? 0) + 1;
  await tx.insert(settings).values({
    side: id,
    version,
    settings: side.settings,
    profile: side.profile,
    own: { ...side.own },
    changedBy: side.by,
  });
  await tx
    .insert(sides)
    .values({
      id,
      link: side.link,
      side: side.name,
      place: placeOf(side.name),
      instance: side.instance,
      settingsVersion: version,
    })
    .onConflictDoUpdate({ target: sides.id, set: { settingsVersion: version } });
  return version;
}

/** Closes the mirrors that shadow mode opened, which have no far ticket, when the link goes live. Returns how many. */
export async function endShadow(tx: Tx, link: string): Promise<number> {
  const ended = await rows(
    tx,
    sql`update mirrors set state = 'closed', close_reason = 'shadow-ended', closed_at = now()
      where link = ${link} and shadow and state in ('opening', 'open') returning id`,
  );
  return ended.length;
}
