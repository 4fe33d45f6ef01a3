import { jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** Settings that sides extend: one change for fifty customers. */
export const profiles = pgTable('profiles', {
  id: text().primaryKey(),
  settings: jsonb().$type<Record<string, unknown>>().notNull(),
  changedAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
