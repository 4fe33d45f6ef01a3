import { integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** This gateway as its database remembers it; one row. Another fingerprint than the actual one means restored or cloned. */
export const gateway = pgTable('gateway', {
  id: integer().primaryKey().default(1),
  fingerprint: text().notNull(),
  publicUrl: text(),
  seenAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
