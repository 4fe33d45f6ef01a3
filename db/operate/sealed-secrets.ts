/** Where secrets are stored, each a JWE that names its key and its place, and how to replace one. */
import { sql } from 'drizzle-orm';
import { rows, type Db, type Tx } from '#db/base/client.ts';
import { webhookContext } from '#db/exchange/webhooks.ts';
import { privateKeyContext } from '#db/links/keys.ts';
import { codeContext } from '#db/links/pairings.ts';

export type SecretColumn = {
  readonly table: 'instances' | 'keys' | 'pairings' | 'webhooks';
  readonly column: string;
  /** The column that identifies the row. */
  readonly id: string;
  /** The context that a secret of that row is sealed for. */
  readonly context: (id: string) => string;
};

/** Every column with secrets; test/operate/reseal.test.ts looks for others. */
export const secretColumns: readonly SecretColumn[] = [
  { table: 'instances', column: 'credentials', id: 'id', context: (id) => `instances/${id}/credentials` },
  { table: 'keys', column: 'private', id: 'kid', context: privateKeyContext },
  { table: 'pairings', column: 'code', id: 'id', context: codeContext },
  { table: 'webhooks', column: 'secret', id: 'link', context: webhookContext },
];

export type SealedSecret = { readonly id: string; readonly sealed: string };

/** Returns up to `most` of a column's secrets, by id. @param after the last one of the previous page */
export async function sealedSecrets(
  db: Db,
  { table, column, id }: SecretColumn,
  after: string | null,
  most: number,
): Promise<SealedSecret[]> {
  return rows<SealedSecret>(
    db,
    sql`select ${sql.identifier(id)}::text as id, ${sql.identifier(column)} as sealed from ${sql.identifier(table)}
      where ${sql.identifier(column)} is not null ${after === null ? sql`` : sql`and ${sql.identifier(id)}::text > ${after}`}
      order by ${sql.identifier(id)}::text limit ${most}`,
  );
}

/** Returns false, changing nothing, if the secret has been changed in the meantime. */
export async function replaceSealed(
  tx: Tx,
  { table, column, id }: SecretColumn,
  before: SealedSecret,
  sealed: string,
): Promise<boolean> {
  const found = await rows(
    tx,
    sql`update ${sql.identifier(table)} set ${sql.identifier(column)} = ${sealed}
      where ${sql.identifier(id)}::text = ${before.id} and ${sql.identifier(column)} = ${before.sealed} returning 1 as one`,
  );
  return found.length > 0;
}
