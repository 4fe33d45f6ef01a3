/** Lists the differences between two values, key by key, for people and for `--json`. */
import { isSame } from './canonical.ts';
import type { Path } from './fault.ts';
import { pathText } from './fault.ts';

export type Change = {
  readonly op: 'add' | 'change' | 'remove';
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
  /** The value is secret, so neither value is in this record. */
  readonly secret?: true;
};

export function differences(before: unknown, after: unknown, path: Path): Change[] {
  if (isSame(before, after)) return [];
  if (isMap(before) && isMap(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => differences(before[key], after[key], [...path, key]));
  }
  if (Array.isArray(before) && Array.isArray(after)) return listDifferences(before, after, path);
  return [changeOf(before, after, path)];
}

/** Lists what a new thing sets beyond the defaults. */
export function additions(defaults: unknown, after: unknown, path: Path): Change[] {
  if (isSame(defaults, after)) return [];
  if (isMap(after))
    return Object.entries(after).flatMap(([key, value]) =>
      additions(isMap(defaults) ? defaults[key] : undefined, value, [...path, key]),
    );
  return [changeOf(undefined, after, path)];
}

function changeOf(before: unknown, after: unknown, path: Path): Change {
  const text = pathText(path);
  if (before === undefined) return { op: 'add', path: text, after };
  if (after === undefined) return { op: 'remove', path: text, before };
  return { op: 'change', path: text, before, after };
}

/** Matches rows by their name, wherever they are in the list. */
function listDifferences(before: readonly unknown[], after: readonly unknown[], path: Path): Change[] {
  const [old, fresh] = [byName(before), byName(after)];
  if (old === null || fresh === null) return [changeOf(before, after, path)];
  const changes: Change[] = [];
  for (const [name, { at, item }] of fresh) {
    const was = old.get(name);
    if (was === undefined) changes.push(changeOf(undefined, item, [...path, at]));
    else changes.push(...differences(was.item, item, [...path, at]));
  }
  for (const [name, { at, item }] of old) if (!fresh.has(name)) changes.push(changeOf(item, undefined, [...path, at]));
  // Only the order differs.
  return changes.length > 0 ? changes : [changeOf(before, after, path)];
}

type Named = ReadonlyMap<string, { readonly at: number; readonly item: unknown }>;

/** Returns null if items have no names, or share one. */
function byName(items: readonly unknown[]): Named | null {
  const named = new Map(items.map((item, at) => [nameOf(item), { at, item }]));
  return named.size === items.length ? named : null;
}

function nameOf(item: unknown): string {
  const name = isMap(item) ? (item['from'] ?? item['kind']) : undefined;
  return typeof name === 'string' ? name : (JSON.stringify(item) ?? '');
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
