/** core/words/reach.ts in SQL: who speaks for an instance, by its type. */
import { sql, type SQL } from 'drizzle-orm';
import { remoteTypes, type Reach } from '#core/words/reach.ts';

const remotes = remoteTypes.map((type) => `'${type}'`).join(', ');

/**
 * Tells whether a column with an instance's type has this reach. @param column such as `i.type`, never a value from
 * outside
 */
export function typeHasReach(column: string, reach: Reach): SQL {
  return reach === 'driven' ? sql.raw(`${column} not in (${remotes})`) : sql.raw(`${column} = '${reach}'`);
}

/** Tells whether a column with an instance's type names one that a peer gateway or an API client speaks for. */
export function typeIsRemote(column: string): SQL {
  return sql.raw(`${column} in (${remotes})`);
}
