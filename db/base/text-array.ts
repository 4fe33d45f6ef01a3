import { sql, type SQL } from 'drizzle-orm';
import { contentArray, isContent, type Content } from './content.ts';

/** A text[] parameter; drizzle would expand an array into a list. */
export function textArray(values: readonly (string | null | Content)[]): SQL {
  return values.some(isContent)
    ? sql`${contentArray(values)}::text[]`
    : sql`${arrayLiteral(values as readonly (string | null)[])}::text[]`;
}

/** A uuid[] parameter; a cast from text would be evaluated again for every row compared with it. */
export function uuidArray(values: readonly string[]): SQL {
  return sql`${arrayLiteral(values)}::uuid[]`;
}

/** Writes an array the way PostgreSQL does; for arrays of arrays of different lengths, for which it has no type. */
export function arrayLiteral(values: readonly (string | null)[]): string {
  const quoted = values.map((value) =>
    value === null ? 'NULL' : `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  );
  return `{${quoted.join(',')}}`;
}
