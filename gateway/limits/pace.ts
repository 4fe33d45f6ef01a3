/**
 * So much a minute, and so much at once: what comes faster waits its turn for a moment, and beyond that is refused. A
 * token bucket kept as one instant (the generic cell rate algorithm of ATM Forum TM 4.0, §4.4.2).
 */
export type PaceLimit = {
  /** In the long run. */
  readonly perMinute: number;
  /** At once, after a time of rest. */
  readonly atOnce: number;
};

/** `ok`: counted, and may begin after `waitMs`. Else nothing was counted, and it may be tried again after `retryMs`. */
export type Taken = { readonly ok: true; readonly waitMs: number } | { readonly ok: false; readonly retryMs: number };

export type Pace = {
  /** @param cost in the limit's unit; no single thing costs more than may come at once */
  take(cost: number): Taken;
  /** What may begin without waiting, and how long until all of `atOnce` may. */
  left(): { readonly rest: number; readonly fullMs: number };
};

/** @param now milliseconds by a steady clock @param mostWaitMs longer than this nobody waits */
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
