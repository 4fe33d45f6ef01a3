/** Rows for readers outside db, who know no columns: `created_at` is `createdAt` to them. */
import type { SQL } from 'drizzle-orm';
import { rows, type Db } from './client.ts';

/** As `rows`, with its columns' names in camel case; what is inside a JSON column stays as it is. */
export async function camelRows<Row extends Record<string, unknown>>(db: Db, query: SQL): Promise<Row[]> {
  const found = await rows(db, query);
  return found.map(
    (row) => Object.fromEntries(Object.entries(row).map(([column, value]) => [camel(column), value])) as Row,
  );
}

function camel(column: string): string {
  return column.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
