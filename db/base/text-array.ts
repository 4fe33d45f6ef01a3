import { sql, type SQL } from 'drizzle-orm';
import { contentArray, isContent, type Content } from './content.ts';

/** A text[] parameter; drizzle would spread an array into a list. */
export function textArray(values: readonly (string | null | Content)[]): SQL {
  return values.some(isContent)
    ? sql`${contentArray(values)}::text[]`
    : sql`${arrayLiteral(values as readonly (string | null)[])}::text[]`;
}

/** A uuid[] parameter; cast from text it would be read anew for every row that is compared with it. */
export function uuidArray(values: readonly string[]): SQL {
  return sql`${arrayLiteral(values)}::uuid[]`;
}

/** An array as PostgreSQL writes one; for arrays of arrays of unlike lengths, which it has no type for. */
export function arrayLiteral(values: readonly (string | null)[]): string {
  const quoted = values.map((value) =>
    value === null ? 'NULL' : `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  );
  return `{${quoted.join(',')}}`;
}
