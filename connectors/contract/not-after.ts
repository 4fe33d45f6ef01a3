/**
 * A deadline for starting something. A timer can't enforce it: timers do not run while the process is frozen, and afterwards the
 * sockets are served before the timers. So code checks the clock just before it acts.
 */

/** Milliseconds of several clocks, always in the same order. Only differences are used. */
export type Clocks = () => readonly number[];

/** `leftMs`: milliseconds until it is too late; zero or negative after that. */
export type NotAfter = { leftMs(): number };

/**
 * The monotonic clock stops while the machine sleeps; wall time does not, but may be set back. The clock that has moved most counts:
 * if too much time seems to have passed, nothing is done, and a later attempt repeats it.
 */
export const ownClocks: Clocks = () => [performance.now(), Date.now()];

/** Starts now. Returns a function that returns the most milliseconds that may have passed. */
export function startClock(clocks: Clocks = ownClocks): () => number {
  const begun = clocks();
  return () => {
    const now = clocks();
    return Math.max(0, ...begun.map((at, index) => (now[index] ?? at) - at));
  };
}

/** Makes a deadline. Call it before asking for the thing from which the time counts, not after the answer. @param ms from now */
export function notAfterIn(ms: number, clocks: Clocks = ownClocks): NotAfter {
  const passed = startClock(clocks);
  return { leftMs: () => ms - passed() };
}
