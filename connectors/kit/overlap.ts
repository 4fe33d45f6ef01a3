/**
 * Helps feeds to look back. A slow write may commit after a later one was read, with the time at which it began. So each look begins
 * some time before the newest known change, and remembers what it has already returned of that stretch.
 */

/**
 * Where the stretch begins that is read again, milliseconds since the epoch.
 * @param clockOffsetMs how far the desk's clock is ahead of the one that `atMs` is by
 */
export function overlapStart(atMs: number, overlapMs: number, clockOffsetMs = 0): number {
  return atMs + Math.min(0, clockOffsetMs) - overlapMs;
}

/** The same, of instants. */
export function lookBack(instant: string, overlapMs: number, clockOffsetMs = 0): string {
  return new Date(overlapStart(Date.parse(instant), overlapMs, clockOffsetMs)).toISOString();
}

/** What lies within the stretch, and so has to be remembered: it may be read again. */
export function withinOverlap<T>(
  given: readonly T[],
  newest: string,
  overlapMs: number,
  instantOf: (one: T) => string,
): readonly T[] {
  const begin = lookBack(newest, overlapMs);
  return given.filter((one) => instantOf(one) >= begin);
}
