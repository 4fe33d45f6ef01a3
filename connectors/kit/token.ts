/** Keeps a token while it lives, and asks for a new one once for all who wait. */

/** `until`: on the clock of the keeper, milliseconds; already earlier than its end by what a request takes. */
export type Lived = { readonly until: number };

export type TokenKeeper<Token extends Lived> = {
  /** One that still lives, else a new one. Whoever asks meanwhile waits for the same; a failure is not kept. */
  get(): Promise<Token>;
  /** The kept one is not used again, where it is still this one; without a token, whichever it is. */
  forget(token?: Token): void;
};

/** @param now milliseconds, of a clock that never goes back */
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
