import { bigint, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { Reason } from '#core/words/vocabulary.ts';

/** The lease only saves wakes; ownership is the epoch. */
export const couriers = pgTable('couriers', {
  instance: text().primaryKey(),
  epoch: bigint({ mode: 'number' }).notNull().default(0),
  leaseUntil: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  /** The epoch at which it was woken last: still the same once the lease is over, nobody came. */
  wokenEpoch: bigint({ mode: 'number' }),
  retryAt: timestamp({ withTimezone: true, mode: 'string' }),
  /** Tries in a row without progress. */
  failures: integer().notNull().default(0),
  reason: jsonb().$type<Reason>(),
});
