/**
 * Until when something may still be begun. A timer can't say it: it does not run while its process is frozen, and after
 * that the sockets are served before the timers. So it is a look at the clock, by whoever is about to act.
 */

/** Milliseconds by several clocks, always the same ones in the same order. Only differences are used. */
export type Clocks = () => readonly number[];

/** `leftMs`: milliseconds until it is too late; zero or less once it is. */
export type NotAfter = { leftMs(): number };

/**
 * The steady clock stands still while the machine sleeps; wall time does not, but may be put back. The one that has moved
 * most is believed: who believes too much time to have passed does nothing, and it is tried again.
 */
export const ownClocks: Clocks = () => [performance.now(), Date.now()];

/** Begins now: a function that returns how many milliseconds have passed at most. */
export function startClock(clocks: Clocks = ownClocks): () => number {
  const begun = clocks();
  return () => {
    const now = clocks();
    return Math.max(0, ...begun.map((at, index) => (now[index] ?? at) - at));
  };
}

/** @param ms from now. To be called before what the time counts from is asked for, not when the answer came */
export function notAfterIn(ms: number, clocks: Clocks = ownClocks): NotAfter {
  const passed = startClock(clocks);
  return { leftMs: () => ms - passed() };
}
