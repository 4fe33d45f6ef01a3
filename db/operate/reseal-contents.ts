/**
 * Finds contents that are not sealed with the current key, page by page, and seals them: after a key is first set, or
 * changed.
 */
import { sql, type SQL } from 'drizzle-orm';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { content, contentShapes, type ContentLabel, type Sealer } from '#db/base/content.ts';

/** The columns that order a table's rows and identify one, with their types. */
const keysOf: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  actions: [['id', 'uuid']],
  attachments: [
    ['action', 'uuid'],
    ['id', 'text'],
  ],
  attempts: [['id', 'uuid']],
  couriers: [['instance', 'text']],
  deliveries: [['id', 'uuid']],
  notices: [['id', 'uuid']],
  offers: [['position', 'bigint']],
  tickets: [
    ['instance', 'text'],
    ['entity', 'text'],
    ['external_id', 'text'],
  ],
  trials: [
    ['instance', 'text'],
    ['ticket', 'text'],
  ],
  writes: [
    ['delivery', 'uuid'],
    ['step', 'int'],
  ],
};

export type ContentColumn = { readonly label: ContentLabel; readonly table: string; readonly column: string };

export const contentColumns: readonly ContentColumn[] = (Object.keys(contentShapes) as ContentLabel[]).flatMap(
  (label) =>
    contentShapes[label].columns.map((name) => {
      const [table = '', column = ''] = name.split('.');
      return { label, table, column };
    }),
);

export type ContentRow = {
  readonly key: readonly string[];
  readonly value: unknown;
  /** Version of the row as read: another one means that it was changed. */
  readonly version: string;
};

const named = (table: string): readonly (readonly [string, string])[] => keysOf[table] ?? [];
const keyList = (table: string): SQL =>
  sql.join(
    named(table).map(([name]) => sql.identifier(name)),
    sql`, `,
  );
const keyValues = (table: string, key: readonly string[]): SQL =>
  sql.join(
    named(table).map(([, type], n) => sql`${key[n] ?? ''}::${sql.raw(type)}`),
    sql`, `,
  );

/** In the order of keys. @param after the key of the last row of the previous page */
export async function unsealedPage(
  db: Db,
  { label, table, column }: ContentColumn,
  sealer: Sealer,
  after: readonly string[] | null,
  most: number,
): Promise<ContentRow[]> {
  const name = sql.identifier(column);
  const unlike = sealer.prefixes(label).map((prefix) => sql`${name}::text not like ${`%${likely(prefix)}%`}`);
  const key = sql.join(
    named(table).map(([one]) => sql`${sql.identifier(one)}::text`),
    sql`, `,
  );
  const from = after === null ? sql`` : sql`and (${keyList(table)}) > (${keyValues(table, after)})`;
  return rows<ContentRow>(
    db,
    sql`select array[${key}] as key, ${name} as value, xmin::text as version from ${sql.identifier(table)}
      where ${name} is not null and ${sql.join(unlike, sql` and `)} ${from} order by ${keyList(table)} limit ${most}`,
  );
}

/** Prepares a prefix for `like`, without the part that would make it look like a forged piece. */
function likely(prefix: string): string {
  return prefix.slice(prefix.indexOf(':') + 1).replaceAll('_', '\\_');
}

/** Tells whether there is anything to seal: an empty list has nothing. */
export function hasContent({ label }: ContentColumn, { value }: ContentRow, sealer: Sealer): boolean {
  return JSON.stringify(sealer.seal(label, value)) !== JSON.stringify(value);
}

/** Returns false if the row was changed in the meantime: that change was sealed. */
export async function sealRow(tx: Tx, { label, table, column }: ContentColumn, row: ContentRow): Promise<boolean> {
  const isText = typeof row.value === 'string' && textColumns.has(`${table}.${column}`);
  const value = content(label, row.value);
  const found = await rows(
    tx,
    sql`update ${sql.identifier(table)} set ${sql.identifier(column)} = ${value}${isText ? sql`` : sql`::jsonb`}
      where (${keyList(table)}) = (${keyValues(table, row.key)}) and xmin::text = ${row.version} returning 1 as one`,
  );
  return found.length > 0;
}

const textColumns = new Set(['actions.note', 'actions.signed', 'attachments.failure', 'notices.text']);

/** Deletes the ids of the other keys once every content is sealed with one key. */
export async function forgetContentKeys(tx: Tx, kid: string): Promise<readonly string[]> {
  const gone = await rows<{ kid: string }>(tx, sql`delete from content_keys where kid <> ${kid} returning kid`);
  return gone.map((row) => row.kid);
}
