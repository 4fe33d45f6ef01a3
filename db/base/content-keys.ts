/** Checks that this process has the keys of the sealed contents in the database, before anything is read or written. */
import type postgres from 'postgres';
import { ContentKeyError, type Sealer } from './content.ts';

/**
 * Records the sealing key before anything is sealed with it. Throws ContentKeyError if contents may be sealed with a
 * key that was not given: they would be passed on sealed, or missed.
 */
export async function assertContentKeys(sql: postgres.Sql, sealer: Sealer | null): Promise<void> {
  const found = await sql.unsafe<{ kid: string }[]>('select kid from content_keys order by since');
  const missing = found.map(({ kid }) => kid).filter((kid) => !(sealer?.kids.includes(kid) ?? false));
  if (missing.length > 0)
    throw new ContentKeyError(
      'content-key-missing',
      sealer === null
        ? `the database holds contents that are sealed with the key ${missing.join(', ')}; set FERRY_CONTENT_KEY to it, as in the other programs`
        : `the database holds contents that are sealed with the key ${missing.join(', ')}, which FERRY_CONTENT_KEY does not hold; add it after the current one, separated by a comma`,
    );
  if (sealer !== null && !found.some(({ kid }) => kid === sealer.kid))
    await sql.unsafe('insert into content_keys (kid) values ($1) on conflict do nothing', [sealer.kid]);
}
