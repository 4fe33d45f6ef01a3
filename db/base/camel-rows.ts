/** Rows for readers outside db, who know no column names: `created_at` becomes `createdAt`. */
import type { SQL } from 'drizzle-orm';
import { rows, type Db } from './client.ts';

/** Runs the query like `rows`, with camel-case column names. Keys inside JSON columns are unchanged. */
export async function camelRows<Row extends Record<string, unknown>>(db: Db, query: SQL): Promise<Row[]> {
  const found = await rows(db, query);
  return found.map(
    (row) => Object.fromEntries(Object.entries(row).map(([column, value]) => [camel(column), value])) as Row,
  );
}

function camel(column: string): string {
  return column.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
