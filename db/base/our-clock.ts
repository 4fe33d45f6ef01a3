/**
 * The clock by which Ferry reckons: the database's, which all its processes share. A process's own may jump, and what it
 * measures of a desk's clock meanwhile would be wrong by as much.
 */
import { sql } from 'drizzle-orm';
import { rows, type Db } from './client.ts';

export type OurClock = {
  /** Milliseconds since 1970; null until the database has told it. Each call may have it told anew. */
  now(): number | null;
};

/** It is asked again after this long, since a machine may have slept. An answer that took longer than this is not used. */
const askEveryMs = 5_000;
const longestMs = 2_000;

/** @param steady milliseconds, of a clock that does not jump */
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
        // Without it the clock runs on as it was told last.
        learn().catch(() => {});
      }
      return told === null ? null : told.ms + at - told.at;
    },
  };
}
