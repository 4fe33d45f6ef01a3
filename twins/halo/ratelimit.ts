/** Halo's request limit: a number of requests in a rolling window. */

export interface RateLimit {
  /** Requests within the window; 0 means no limit. */
  readonly limit: number;
  readonly windowMs: number;
  /** Whether a 429 tells when to come back. A real Halo may or may not. */
  readonly retryAfter: boolean;
}

export const haloRateLimit: RateLimit = { limit: 300, windowMs: 5 * 60_000, retryAfter: false };

export interface Limiter {
  /**
   * Returns null if the request may continue, or else the milliseconds until one may. A refused request does not count.
   */
  take(now: number): number | null;
  used(now: number): number;
  set(limit: RateLimit): void;
  readonly current: RateLimit;
}

/** Creates a counter for one desk's requests. */
export function createLimiter(initial: RateLimit): Limiter {
  let current = initial;
  let times: number[] = [];
  let head = 0;
  function forget(now: number): void {
    while (head < times.length && (times[head] ?? 0) <= now - current.windowMs) head++;
    if (head > 1024 && head * 2 > times.length) {
      times = times.slice(head);
      head = 0;
    }
  }
  return {
    get current() {
      return current;
    },
    set(limit) {
      current = limit;
    },
    used(now) {
      forget(now);
      return times.length - head;
    },
    take(now) {
      if (current.limit <= 0) return null;
      forget(now);
      if (times.length - head >= current.limit) return (times[head] ?? now) + current.windowMs - now;
      times.push(now);
      return null;
    },
  };
}
