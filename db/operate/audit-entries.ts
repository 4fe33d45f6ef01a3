/** The audit, newest first: who did what. */
import { sql } from 'drizzle-orm';
import { rows, type Db } from '#db/base/client.ts';
import { iso } from '#db/base/iso.ts';
import { textArray } from '#db/base/text-array.ts';

export type AuditRow = {
  readonly id: string;
  /** Instant. */
  readonly at: string;
  readonly by: string;
  /** The verb. */
  readonly what: string;
  /** `links/<id>`, `instances/<id>`, `deliveries/<id>` … */
  readonly on: string;
  /** The link that it concerns, if any, while the link's rows exist. */
  readonly link: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
};

export type AuditFilter = {
  /** Only entries about these links; absent: everything. */
  readonly links?: readonly string[];
  readonly by?: string;
  readonly what?: string;
  /** The subject, or its beginning up to a slash: `links`, `links/acme`. */
  readonly on?: string;
  /** Instants; `since` is inclusive, `until` exclusive. */
  readonly since?: string;
  readonly until?: string;
  /** The id of the last entry of the previous page. */
  readonly before?: string;
  readonly limit: number;
};

export async function auditRows(db: Db, filter: AuditFilter): Promise<AuditRow[]> {
  const { links, by, what, on, since, until, before, limit } = filter;
  const conditions = [
    ...(links === undefined ? [] : [sql`coalesce(m.link, a.link) = any(${textArray(links)})`]),
    ...(by === undefined ? [] : [sql`a.by = ${by}`]),
    ...(what === undefined ? [] : [sql`a.what = ${what}`]),
    ...(on === undefined ? [] : [sql`(a.subject = ${on} or starts_with(a.subject, ${`${on}/`}))`]),
    ...(since === undefined ? [] : [sql`a.at >= ${since}::timestamptz`]),
    ...(until === undefined ? [] : [sql`a.at < ${until}::timestamptz`]),
    ...(before === undefined ? [] : [sql`a.id < ${before}::uuid`]),
    sql`true`,
  ];
  return rows<AuditRow>(
    db,
    sql`with about as not materialized (
        select audit.*, (regexp_match(subject, '^links?/([^/]+)'))[1] as link,
          (regexp_match(subject, '^deliver(?:y|ies)/([0-9a-f-]{36})$'))[1]::uuid as delivery,
          (regexp_match(subject, '^mirrors?/([0-9a-f-]{36})$'))[1]::uuid as mirror
        from audit
      )
      select a.id, ${iso('a.at')} as at, a.by, a.what, a.subject as on, coalesce(m.link, a.link) as link, a.detail
      from about a left join deliveries d on d.id = a.delivery left join mirrors m on m.id = coalesce(a.mirror, d.mirror)
      where ${sql.join(conditions, sql` and `)}
      order by a.id desc limit ${limit}`,
  );
}
