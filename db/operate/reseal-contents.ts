/** Contents that are not sealed with the key in use, found by pages and sealed with it: when one is set first, or changed. */
import { sql, type SQL } from 'drizzle-orm';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { content, contentShapes, type ContentLabel, type Sealer } from '#db/base/content.ts';

/** What orders a table's rows and names one, with its type. */
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
  /** Of the row as it was read: another one means that it was changed. */
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

/** In the order of their keys. @param after the key of the last one of the page before */
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

/** A prefix for `like`, taken apart so that it is not mistaken for a forged piece. */
function likely(prefix: string): string {
  return prefix.slice(prefix.indexOf(':') + 1).replaceAll('_', '\\_');
}

/** Whether there is anything in it to seal: an empty list has nothing. */
export function hasContent({ label }: ContentColumn, { value }: ContentRow, sealer: Sealer): boolean {
  return JSON.stringify(sealer.seal(label, value)) !== JSON.stringify(value);
}

/** False where the row was changed meanwhile: whoever changed it has sealed it. */
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

/** Every content is sealed with one key: the names of the others are no longer needed. */
export async function forgetContentKeys(tx: Tx, kid: string): Promise<readonly string[]> {
  const gone = await rows<{ kid: string }>(tx, sql`delete from content_keys where kid <> ${kid} returning kid`);
  return gone.map((row) => row.kid);
}
