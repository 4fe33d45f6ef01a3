/** Memoises a pure function of one text; a ticket is read repeatedly with mostly the same content. */
export type MemoLimits = {
  /** Results kept; the oldest is dropped first. */
  readonly most: number;
  /** Results for longer texts are not kept. */
  readonly longest: number;
};

export function memoised<Result>(of: (text: string) => Result, limits: MemoLimits): (text: string) => Result {
  const kept = new Map<string, Result>();
  return (text) => {
    const known = kept.get(text);
    if (known !== undefined) return known;
    const result = of(text);
    if (text.length > limits.longest) return result;
    if (kept.size >= limits.most) {
      const [oldest] = kept.keys();
      if (oldest !== undefined) kept.delete(oldest);
    }
    kept.set(text, result);
    return result;
  };
}
