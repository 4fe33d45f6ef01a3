/** Halo's request limit: so many in a rolling window. */

export interface RateLimit {
  /** Requests within the window; 0 counts nothing. */
  readonly limit: number;
  readonly windowMs: number;
  /** Whether a 429 says when to come back; a real Halo may or may not. */
  readonly retryAfter: boolean;
}

export const haloRateLimit: RateLimit = { limit: 300, windowMs: 5 * 60_000, retryAfter: false };

export interface Limiter {
  /** Null if the request may go on, else milliseconds until one may. A refused request does not count. */
  take(now: number): number | null;
  used(now: number): number;
  set(limit: RateLimit): void;
  readonly current: RateLimit;
}

/** Counts requests of one desk. */
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
