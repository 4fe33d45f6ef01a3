/**
 * Limits failed attempts per client and address: after ten in a minute, everybody who claims to be that client from there waits.
 * The client itself, at another address, notices nothing. The number of entries is limited: the oldest one is dropped.
 */
export type Failures = {
  /** Returns the seconds to wait, or null if an attempt is allowed. */
  waitOf(client: string, address: string): number | null;
  /** Counts a failure. Returns the seconds to wait, or null if there are not too many. */
  add(client: string, address: string): number | null;
  readonly size: number;
};

export type FailuresOptions = {
  readonly now: () => number;
  readonly limit?: number;
  readonly windowMs?: number;
  readonly maxEntries?: number;
};

export function createFailures(options: FailuresOptions): Failures {
  const { now, limit = 10, windowMs = 60_000, maxEntries = 10_000 } = options;
  /** Times of the last failures, oldest first; never more than `limit` of them. */
  const entries = new Map<string, readonly number[]>();

  function recent(key: string): readonly number[] {
    const from = now() - windowMs;
    return (entries.get(key) ?? []).filter((at) => at > from);
  }
  function waitFor(times: readonly number[]): number | null {
    const [first] = times;
    if (first === undefined || times.length < limit) return null;
    return Math.max(1, Math.ceil((first + windowMs - now()) / 1000));
  }
  const keyOf = (client: string, address: string): string => `${address} ${client}`;

  return {
    waitOf: (client, address) => waitFor(recent(keyOf(client, address))),
    add(client, address) {
      const key = keyOf(client, address);
      const times = recent(key);
      const wait = waitFor(times);
      if (wait !== null) return wait;
      entries.delete(key);
      entries.set(key, [...times, now()]);
      for (const oldest of entries.keys()) {
        if (entries.size <= maxEntries) break;
        entries.delete(oldest);
      }
      return null;
    },
    get size() {
      return entries.size;
    },
  };
}
