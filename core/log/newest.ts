/**
 * Decides which of two readings of a ticket shows its later state. They may be stored in a different order than they
 * were read, by a worker that hung in between or from a replica that lags.
 */
import { numberOf } from './position.ts';

/** The reading whose snapshot is stored. */
export type Kept = {
  /** The highest id among the actions it showed, if ids are numbers. */
  readonly top: string | null;
  /** Instants by the database's clock: when the reading began, and when it was stored. */
  readonly begunAt: string | null;
  readonly storedAt: string;
};

export type Shown = {
  /** As `Kept.top`; if the reading showed no action, the id it started from. */
  readonly top: string | null;
  /** Null for the reading by the caller that has just created the ticket. */
  readonly begunAt: string | null;
};

/**
 * Returns false if the stored reading is newer. A reading that begins after the other was stored is newer; at a desk
 * whose replicas lag, only after a further `lateMs`. Of two overlapping readings the one with the higher id is newer;
 * if ids say nothing, the one that began later.
 */
export function isNewest(kept: Kept | null, shown: Shown, lateMs: number): boolean {
  if (kept === null || kept.begunAt === null || shown.begunAt === null) return true;
  if (Date.parse(shown.begunAt) > Date.parse(kept.storedAt) + lateMs) return true;
  const [before, now] = [numberOf(kept.top ?? ''), numberOf(shown.top ?? '')];
  if (before !== null && now !== null && before !== now) return now > before;
  return Date.parse(shown.begunAt) >= Date.parse(kept.begunAt);
}

/** Returns the highest of these ids and the id the read started from; null if ids are not numbers. */
export function topOf(ids: readonly string[], from: string | null): string | null {
  const numbers = [...ids, from ?? ''].flatMap((id) => numberOf(id) ?? []);
  const highest = numbers.reduce((most, one) => Math.max(most, one), -1);
  return highest < 0 ? null : String(highest);
}
