import { integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/**
 * This gateway as its database remembers it; one row. If the fingerprint differs from the actual one, the database was
 * restored or cloned.
 */
export const gateway = pgTable('gateway', {
  id: integer().primaryKey().default(1),
  fingerprint: text().notNull(),
  publicUrl: text(),
  seenAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
