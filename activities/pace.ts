/** Limits the actions per link and minute; a link above the limit only waits. */
export type Pace = {
  /** Milliseconds until the link may carry another action; 0: now. */
  waitMs(link: string): number;
  /** @param actions 1 by default */
  count(link: string, actions?: number): void;
};

/**
 * A token bucket that holds a minute's worth and refills evenly, so that bursts pass and continuous streams are slowed.
 */
export function createPace(perMinute: number, now: () => number = () => performance.now()): Pace {
  const buckets = new Map<string, { left: number; at: number }>();
  const perMs = perMinute / 60_000;
  const refilled = (link: string): { left: number; at: number } => {
    const at = now();
    const bucket = buckets.get(link);
    if (bucket === undefined) {
      const full = { left: perMinute, at };
      buckets.set(link, full);
      return full;
    }
    bucket.left = Math.min(perMinute, bucket.left + (at - bucket.at) * perMs);
    bucket.at = at;
    return bucket;
  };
  return {
    waitMs(link) {
      const { left } = refilled(link);
      return left >= 1 ? 0 : Math.ceil((1 - left) / perMs);
    },
    count(link, actions = 1) {
      refilled(link).left -= actions;
    },
  };
}
