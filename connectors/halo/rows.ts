/**
 * The one reader of Halo's lists. They come as a bare array, as `{record_count, tickets: […]}` or as `{results: […]}`,
 * and one kind of list comes in different forms from different Halos. A row that can't be read costs that row.
 */
import { unexpectedShape } from '#connectors/kit/json.ts';
import type { JsonOptions } from '#connectors/kit/json.ts';
import type { Schema } from './wire.ts';

/** So many may be odd by themselves; a longer list of which nothing can be read is a Halo that nobody has met. */
const fewRows = 3;

export type Rows<T> = {
  readonly rows: readonly T[];
  /** How many the reply held, with those that could not be read. */
  readonly held: number;
  /** What the reply says that there are in all; where it says it. */
  readonly total: number | undefined;
};

/**
 * @param key the property that holds the list in Halo's usual form, such as `tickets`
 * @param dropped is told where a row differs, never what was there
 * @param isNeeded without a row of it nothing works
 * Throws HelpdeskError where there is no list, or one of which nothing can be read although it holds more than a few rows.
 */
export function readRows<T>(
  body: unknown,
  key: string,
  row: Schema<T>,
  options: JsonOptions,
  dropped: (where: string) => void,
  isNeeded = false,
): Rows<T> {
  const list = listIn(body, key);
  if (list === null) throw unexpectedShape(options, key);
  const rows: T[] = [];
  let wrong: string | null = null;
  for (const one of list) {
    const read = row.safeParse(one);
    if (read.success) rows.push(read.data);
    else {
      wrong = `${key}[].${read.error.issues[0]?.path.join('.') ?? ''}`;
      dropped(wrong);
    }
  }
  if (wrong !== null && rows.length === 0 && (isNeeded || list.length > fewRows)) throw unexpectedShape(options, wrong);
  return { rows, held: list.length, total: totalIn(body) };
}

function listIn(body: unknown, key: string): readonly unknown[] | null {
  if (Array.isArray(body)) return body;
  if (typeof body !== 'object' || body === null) return null;
  const fields = body as Readonly<Record<string, unknown>>;
  for (const name of [key, 'results']) {
    const found = Object.entries(fields).find(([one]) => one.toLowerCase() === name)?.[1];
    if (Array.isArray(found)) return found;
  }
  const lists = Object.values(fields).filter((one) => Array.isArray(one));
  return lists.length === 1 ? (lists[0] ?? null) : null;
}

function totalIn(body: unknown): number | undefined {
  const total = (body as { readonly record_count?: unknown } | null)?.record_count;
  const number = typeof total === 'string' && /^\d{1,15}$/.test(total) ? Number(total) : total;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 ? number : undefined;
}
