import { sql, type SQL } from 'drizzle-orm';

/** Formats a timestamptz column as ISO 8601 in UTC with milliseconds. The column is code, never input. */
export function iso(column: string): SQL {
  return sql`to_char(${sql.raw(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}
