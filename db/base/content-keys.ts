/** Whether this process has the keys of what the database holds sealed. Asked before anything is read or written. */
import type postgres from 'postgres';
import { ContentKeyError, type Sealer } from './content.ts';

/**
 * Notes the key that seals before anything is sealed with it. Throws ContentKeyError where contents may be sealed with a
 * key that is not given: they would be passed on sealed, or missed.
 */
export async function assertContentKeys(sql: postgres.Sql, sealer: Sealer | null): Promise<void> {
  const found = await sql.unsafe<{ kid: string }[]>('select kid from content_keys order by since');
  const missing = found.map(({ kid }) => kid).filter((kid) => !(sealer?.kids.includes(kid) ?? false));
  if (missing.length > 0)
    throw new ContentKeyError(
      'content-key-missing',
      sealer === null
        ? `the database holds contents that are sealed with the key ${missing.join(', ')}; set FERRY_CONTENT_KEY to it, as for the other programs`
        : `the database holds contents that are sealed with the key ${missing.join(', ')}, which FERRY_CONTENT_KEY does not hold; add it, behind a comma after the current one`,
    );
  if (sealer !== null && !found.some(({ kid }) => kid === sealer.kid))
    await sql.unsafe('insert into content_keys (kid) values ($1) on conflict do nothing', [sealer.kid]);
}
