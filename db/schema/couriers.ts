import { bigint, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { Reason } from '#core/words/vocabulary.ts';

/** The lease only saves wakes; the epoch determines ownership. */
export const couriers = pgTable('couriers', {
  instance: text().primaryKey(),
  epoch: bigint({ mode: 'number' }).notNull().default(0),
  leaseUntil: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  /** The epoch at which it was last woken: if unchanged when the lease ends, no drain has begun. */
  wokenEpoch: bigint({ mode: 'number' }),
  retryAt: timestamp({ withTimezone: true, mode: 'string' }),
  /** Consecutive attempts without progress. */
  failures: integer().notNull().default(0),
  reason: jsonb().$type<Reason>(),
});
