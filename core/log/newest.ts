/**
 * Which of two readings of a ticket shows it as it was later. They may be stored in another order than they were read: by a
 * worker that hung in between, or from a replica that is late.
 */
import { numberOf } from './position.ts';

/** Of a reading whose snapshot is kept. */
export type Kept = {
  /** The highest id among the actions it showed, where ids are numbers. */
  readonly top: string | null;
  /** Instants, by the database's clock: when it began, and when it was stored. */
  readonly begunAt: string | null;
  readonly storedAt: string;
};

export type Shown = {
  /** As `Kept.top`; of a reading that showed no action, that from which on it was read. */
  readonly top: string | null;
  /** Null: by who has just made the ticket. */
  readonly begunAt: string | null;
};

/**
 * False where what is kept is newer. A reading that begins after the other was stored is newer, at a desk that is late only
 * after `lateMs`. Of two that overlap the one with the higher id is; where ids tell nothing, the one that began later.
 */
export function isNewest(kept: Kept | null, shown: Shown, lateMs: number): boolean {
  if (kept === null || kept.begunAt === null || shown.begunAt === null) return true;
  if (Date.parse(shown.begunAt) > Date.parse(kept.storedAt) + lateMs) return true;
  const [before, now] = [numberOf(kept.top ?? ''), numberOf(shown.top ?? '')];
  if (before !== null && now !== null && before !== now) return now > before;
  return Date.parse(shown.begunAt) >= Date.parse(kept.begunAt);
}

/** The highest of these ids and of the one from which on it was read; null where they are no numbers. */
export function topOf(ids: readonly string[], from: string | null): string | null {
  const numbers = [...ids, from ?? ''].flatMap((id) => numberOf(id) ?? []);
  const highest = numbers.reduce((most, one) => Math.max(most, one), -1);
  return highest < 0 ? null : String(highest);
}
