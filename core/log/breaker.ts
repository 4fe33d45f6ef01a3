/** Stops two desks that answer each other by machine, whoever wrote: design §3, loop guard `breaker`. */
export const breakerChanges = 10;
export const breakerWindowMs = 60_000;

export type Passage = {
  /** Instant at which the action was recorded, by its own desk's clock. */
  readonly at: string;
  /** The instance it travels to. */
  readonly direction: string;
};

/**
 * Trips on 10 changes of direction within 60 s, in the order in which the actions were logged. Changes into one
 * direction are compared with each other only, so that the skew between the two desks' clocks does not matter.
 * A catch-up, however long, changes direction rarely, or between actions whose own times lie far apart.
 */
export function breaker(passages: readonly Passage[]): { readonly tripped: boolean } {
  const changes: number[] = [];
  let before: Passage | undefined;
  for (const passage of passages) {
    if (before !== undefined && passage.direction !== before.direction) changes.push(Date.parse(passage.at));
    before = passage;
  }
  for (let last = breakerChanges - 1; last < changes.length; last += 1) {
    if (isBurst(changes.slice(last - breakerChanges + 1, last + 1))) return { tripped: true };
  }
  return { tripped: false };
}

function isBurst(changes: readonly number[]): boolean {
  return [0, 1].every((parity) => {
    const sameWay = changes.filter((_, index) => index % 2 === parity);
    return Math.max(...sameWay) - Math.min(...sameWay) <= breakerWindowMs;
  });
}
