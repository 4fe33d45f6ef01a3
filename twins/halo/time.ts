/** Halo's clock: instants travel as ISO UTC without a zone suffix, with milliseconds. */
import { AsyncLocalStorage } from 'node:async_hooks';

/** When a request is marked `late-commit`, what it writes carries the time it arrived, not the time it commits. */
export const arrival = new AsyncLocalStorage<number>();

/** `2026-11-21T09:30:00.000` for a time in milliseconds since the epoch. */
export function zoneless(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1);
}

/** Milliseconds for a time with or without a zone; without one it is UTC. Null if it is no time. */
export function parseInstant(text: string): number | null {
  const zoned = /(?:[zZ]|[+-]\d\d:?\d\d)$/.test(text) && text.length > 10;
  const ms = Date.parse(zoned || text.length <= 10 ? text : `${text}Z`);
  return Number.isNaN(ms) ? null : ms;
}

/** The next stamp on a ticket: strictly after `last`, so that times order a ticket's history. */
export function stampAfter(now: number, last: string | null): string {
  const at = arrival.getStore() ?? now;
  const before = last === null ? null : parseInstant(last);
  return zoneless(before === null ? at : Math.max(at, before + 1));
}
