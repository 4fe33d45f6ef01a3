import { integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** Requests used per instance and window, taken ten at a time. */
export const budgets = pgTable('budgets', {
  instance: text().primaryKey(),
  windowStart: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  used: integer().notNull().default(0),
});
