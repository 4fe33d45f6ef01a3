/** The versions of settings that were saved: of profiles, of links' own settings, and of their sides. */
import { sql, type SQL } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import { iso } from '#db/base/iso.ts';
import { textArray } from '#db/base/text-array.ts';

export type SavedVersion = {
  /** `profiles/<id>`, `links/<id>`, or of a side `links/<id>/<customer|supplier>` */
  readonly subject: string;
  /** From 1 on, without gaps. */
  readonly version: number;
  readonly by: string;
  /** Instant. */
  readonly at: string;
  /** The latest one, which is in force. */
  readonly inForce: boolean;
  /** Of a side with its profile's keys and all defaults; of the others as it was saved. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Of a side: the profile that it extends, and what it sets itself; null where that was not kept. */
  readonly profile: string | null;
  readonly own: Readonly<Record<string, unknown>> | null;
};

/** With the version before it, to tell what it changed; null where it is the first. */
export type LoggedVersion = SavedVersion & { readonly before: Pick<SavedVersion, 'settings' | 'profile'> | null };

const all: SQL = sql`(
    select subject, version, changed_by, changed_at, settings, null::text as profile, null::jsonb as own from saved_settings
    union all
    select 'links/' || side, version, changed_by, changed_at, settings, profile, own from settings
  )`;

/** A side's name in `settings` is its subject without this. */
const side = (subject: SQL): SQL => sql`substr(${subject}, ${sql.raw(String('links/'.length + 1))})`;

const columns: SQL = sql`v.subject, v.version, v.changed_by as by, ${iso('v.changed_at')} as at, v.settings, v.profile, v.own,
  not exists (select 1 from saved_settings l where l.subject = v.subject and l.version > v.version)
    and not exists (select 1 from settings l where l.side = ${side(sql`v.subject`)} and l.version > v.version) as "inForce"`;

/**
 * Newest first.
 * @param subjects only of these; null: of everything
 * @param most how many
 */
export async function savedVersions(
  db: Db,
  subjects: readonly string[] | null,
  most: number,
): Promise<readonly LoggedVersion[]> {
  const wanted = subjects === null ? sql`true` : sql`subject = any(${textArray(subjects)})`;
  return rows<LoggedVersion>(
    db,
    sql`select ${columns}, (
          select json_build_object('settings', b.settings, 'profile', b.profile) from (
            select settings, null::text as profile from saved_settings where subject = v.subject and version = v.version - 1
            union all
            select settings, profile from settings where side = ${side(sql`v.subject`)} and version = v.version - 1
          ) b
        ) as before
      from (select * from ${all} every where ${wanted} order by changed_at desc, subject, version desc limit ${most}) v
      order by v.changed_at desc, v.subject, v.version desc`,
  );
}

/** Null where there is no such version. */
export async function savedVersion(db: Db, subject: string, version: number): Promise<SavedVersion | null> {
  const [row] = await rows<SavedVersion>(
    db,
    sql`select ${columns} from ${all} v where v.subject = ${subject} and v.version = ${version}`,
  );
  return row ?? null;
}

/** The version in force; 0 where nothing of that name was ever saved. */
export async function latestVersion(db: Db, subject: string): Promise<number> {
  const [row] = await rows<{ version: number }>(
    db,
    sql`select coalesce(max(version), 0)::int as version from ${all} every where subject = ${subject}`,
  );
  return row?.version ?? 0;
}

/** What has versions, in the order of its names. */
export async function savedSubjects(db: Db): Promise<readonly string[]> {
  const found = await rows<{ subject: string }>(db, sql`select distinct subject from ${all} every order by subject`);
  return found.map(({ subject }) => subject);
}
