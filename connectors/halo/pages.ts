/**
 * Reads a paged list to its end: an empty page, or one that only repeats. A short page is no end, some builds cap pages; nor
 * is a page of rows that can't be read, or an empty one although Halo counts more after it.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Call } from './call.ts';
import type { HaloClient, List } from './client.ts';

/** More pages than any desk has; a longer list repeats itself in an unknown way. */
const mostPages = 2_000;

/** A Halo that counts hidden rows always claims that there are more. */
const mostEmpty = 2;

/** Page by page, each row once. Stop listening to stop reading. Throws HelpdeskError. */
export async function* pagesOf<T extends { readonly id: number | string }>(
  client: HaloClient,
  list: List<T>,
  call: Call,
  first = 1,
): AsyncGenerator<{ readonly page: number; readonly rows: readonly T[] }> {
  const seen = new Set<string>();
  let largest = 0;
  let empty = 0;
  for (let page = first; page < first + mostPages; page++) {
    const query = { ...list.query, pageinate: true, page_size: client.ways.pageRows, page_no: page };
    const { rows, held, total } = await client.list({ ...list, query }, call);
    const fresh = rows.filter(({ id }) => !seen.has(String(id)));
    largest = Math.max(largest, held);
    if (fresh.length > 0) {
      empty = 0;
      for (const { id } of fresh) seen.add(String(id));
      yield { page, rows: fresh };
    } else if (rows.length > 0) {
      // The same again: its pages can't be asked for, and what does not fit the first is never shown.
      if (page > first && (total ?? 0) > seen.size && seen.size <= largest) client.incomplete(call.what);
      return;
    } else {
      empty++;
      if (empty > mostEmpty || (held === 0 && page * (largest === 0 ? client.ways.pageRows : largest) >= (total ?? 0)))
        return;
    }
  }
  throw new HelpdeskError('refused', 'endless-list', `${call.what}: the list has no end.`);
}

/** All rows of all pages. */
export async function allOf<T extends { readonly id: number | string }>(
  client: HaloClient,
  list: List<T>,
  call: Call,
): Promise<T[]> {
  const all: T[] = [];
  for await (const { rows } of pagesOf(client, list, call)) all.push(...rows);
  return all;
}
