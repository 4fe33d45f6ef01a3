/**
 * A rate limit with a burst: faster requests wait for a moment, and beyond that are refused. Implemented as a token bucket in one
 * instant (the generic cell rate algorithm of ATM Forum TM 4.0, §4.4.2).
 */
export type PaceLimit = {
  /** The long-term rate. */
  readonly perMinute: number;
  /** The burst after an idle time. */
  readonly atOnce: number;
};

/** `ok`: counted, and may start after `waitMs`. Otherwise not counted, and may be retried after `retryMs`. */
export type Taken = { readonly ok: true; readonly waitMs: number } | { readonly ok: false; readonly retryMs: number };

export type Pace = {
  /** Counts. @param cost in the limit's unit, at most the burst */
  take(cost: number): Taken;
  /** Returns how much may start without waiting, and how long until the whole burst may. */
  left(): { readonly rest: number; readonly fullMs: number };
};

/** Makes a limit. @param now milliseconds of a monotonic clock @param mostWaitMs the longest wait */
export function createPace({ perMinute, atOnce }: PaceLimit, mostWaitMs: number, now: () => number): Pace {
  const perMs = perMinute / 60_000;
  let fullAt = Number.NEGATIVE_INFINITY;
  const used = (): number => Math.max(0, fullAt - now()) * perMs;
  return {
    take(cost) {
      const counted = Math.min(cost, atOnce);
      const waitMs = Math.max(0, used() + counted - atOnce) / perMs;
      if (waitMs > mostWaitMs) return { ok: false, retryMs: waitMs };
      fullAt = Math.max(fullAt, now()) + counted / perMs;
      return { ok: true, waitMs };
    },
    left() {
      const taken = used();
      return { rest: Math.max(0, Math.floor(atOnce - taken)), fullMs: taken / perMs };
    },
  };
}
