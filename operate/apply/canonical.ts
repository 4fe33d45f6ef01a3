/** Equality of plain values, whatever the order of their keys; the database keeps its own. */

/** JSON with sorted keys; keys whose value is undefined are absent. */
export function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
        : inner,
    ) ?? 'undefined'
  );
}

export function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}
