/**
 * What a connector remembers of a desk, bounded: the value that was used least lately goes first. It grows as it fills, because a
 * worker holds several of them for each of its desks.
 */
import { LRUCache } from 'lru-cache';

export type BoundedCache<Value extends {}> = Pick<LRUCache<string, Value>, 'get' | 'set' | 'has'>;

/** @param most values kept */
export function createBoundedCache<Value extends {}>(most: number): BoundedCache<Value> {
  // With `max` all of its room would be taken at once.
  return new LRUCache<string, Value>({ maxSize: most, sizeCalculation: () => 1 });
}
