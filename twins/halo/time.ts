/** Halo's clock: instants are written as ISO UTC without a zone suffix, with milliseconds. */
import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * The time at which a `late-commit` request arrived. What the request writes carries this time, not that of the commit.
 */
export const arrival = new AsyncLocalStorage<number>();

/** Formats milliseconds since the epoch as `2026-11-21T09:30:00.000`. */
export function zoneless(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1);
}

/** Parses a time with or without a zone; without one it is UTC. Returns milliseconds, or null if it is not a time. */
export function parseInstant(text: string): number | null {
  const zoned = /(?:[zZ]|[+-]\d\d:?\d\d)$/.test(text) && text.length > 10;
  const ms = Date.parse(zoned || text.length <= 10 ? text : `${text}Z`);
  return Number.isNaN(ms) ? null : ms;
}

/** Returns the next stamp on a ticket, strictly after `last`, so that times give the order of a ticket's history. */
export function stampAfter(now: number, last: string | null): string {
  const at = arrival.getStore() ?? now;
  const before = last === null ? null : parseInstant(last);
  return zoneless(before === null ? at : Math.max(at, before + 1));
}
