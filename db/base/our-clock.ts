/**
 * Ferry's clock: the database's, which all processes share. A process's own clock may jump, and would then measure a
 * desk's clock wrongly.
 */
import { sql } from 'drizzle-orm';
import { rows, type Db } from './client.ts';

export type OurClock = {
  /** Milliseconds since 1970; null until the database has answered. Any call may trigger a new query. */
  now(): number | null;
};

/**
 * The time is queried again after this long, since a machine may have slept. An answer that took longer than
 * `longestMs` is not used.
 */
const askEveryMs = 5_000;
const longestMs = 2_000;

/** @param steady milliseconds by a monotonic clock */
export function createOurClock(db: Db, steady: () => number = () => performance.now()): OurClock {
  return reckonedBy(async () => {
    const [row] = await rows<{ ms: number }>(
      db,
      sql`select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`,
    );
    return row?.ms ?? Number.NaN;
  }, steady);
}

export function reckonedBy(ask: () => Promise<number>, steady: () => number): OurClock {
  let told: { readonly ms: number; readonly at: number } | null = null;
  let askedAt = Number.NEGATIVE_INFINITY;
  const learn = async (): Promise<void> => {
    const sentAt = steady();
    const ms = await ask();
    const gotAt = steady();
    if (Number.isFinite(ms) && gotAt - sentAt <= longestMs) told = { ms: ms + (gotAt - sentAt) / 2, at: gotAt };
  };
  return {
    now() {
      const at = steady();
      if (at - askedAt >= askEveryMs) {
        askedAt = at;
        // If it fails, the clock continues from the last answer.
        learn().catch(() => {});
      }
      return told === null ? null : told.ms + at - told.at;
    },
  };
}
