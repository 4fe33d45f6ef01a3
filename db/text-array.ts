import { sql, type SQL } from 'drizzle-orm';

/** A text[] parameter; drizzle would spread an array into a list. */
export function textArray(values: readonly string[]): SQL {
  const quoted = values.map((value) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`);
  return sql`${`{${quoted.join(',')}}`}::text[]`;
}
