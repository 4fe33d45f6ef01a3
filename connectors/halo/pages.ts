/** Reads a paged list to its end: an empty page, or one that only repeats. A short page is no end, some builds cap pages. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Call } from './call.ts';
import type { HaloClient, List } from './client.ts';

/** More than any desk has; what goes on longer repeats in a way that nobody foresaw. */
const mostPages = 2_000;

/** Page by page, each row once. Stop listening to stop reading. Throws HelpdeskError. */
export async function* pagesOf<T extends { readonly id: number | string }>(
  client: HaloClient,
  list: List<T>,
  call: Call,
  first = 1,
): AsyncGenerator<{ readonly page: number; readonly rows: readonly T[] }> {
  const seen = new Set<string>();
  for (let page = first; page < first + mostPages; page++) {
    const query = { ...list.query, pageinate: true, page_size: client.ways.pageRows, page_no: page };
    const { rows } = await client.list({ ...list, query }, call);
    const fresh = rows.filter(({ id }) => !seen.has(String(id)));
    if (fresh.length === 0) return;
    for (const { id } of fresh) seen.add(String(id));
    yield { page, rows: fresh };
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
