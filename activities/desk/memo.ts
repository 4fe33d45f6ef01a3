/** Remembers the results of a pure function of one text; a ticket is read again and again, and says the same. */
import { LRUCache } from 'lru-cache';

export type MemoLimits = {
  /** Results kept; the one used least lately goes first. */
  readonly most: number;
  /** Results for longer texts are not kept. */
  readonly longest: number;
};

export function memoised<Result extends {}>(
  of: (text: string) => Result,
  limits: MemoLimits,
): (text: string) => Result {
  const kept = new LRUCache<string, Result>({ max: limits.most });
  return (text) => {
    const known = kept.get(text);
    if (known !== undefined) return known;
    const result = of(text);
    if (text.length <= limits.longest) kept.set(text, result);
    return result;
  };
}
