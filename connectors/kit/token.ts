/** Caches a token while it is valid, and gets a new one once for all callers that wait. */

/** `until`: milliseconds of the cache's clock, earlier than the token's end by the time of a request. */
export type Lived = { readonly until: number };

export type TokenKeeper<Token extends Lived> = {
  /** Returns a valid token, the cached or a new one. Concurrent callers share the request; a failure is not cached. */
  get(): Promise<Token>;
  /** Drops the cached token if it is this one; without an argument, drops any. */
  forget(token?: Token): void;
};

/** Makes a cache. @param now milliseconds, of a monotonic clock */
export function keepToken<Token extends Lived>(fetch: () => Promise<Token>, now: () => number): TokenKeeper<Token> {
  let kept: Token | null = null;
  let fetching: Promise<Token> | null = null;
  return {
    get() {
      if (kept !== null && now() < kept.until) return Promise.resolve(kept);
      fetching ??= fetch()
        .then((fresh) => {
          kept = fresh;
          return fresh;
        })
        .finally(() => {
          fetching = null;
        });
      return fetching;
    },
    forget(token) {
      if (token === undefined || token === kept) kept = null;
    },
  };
}
