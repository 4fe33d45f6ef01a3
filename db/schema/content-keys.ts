import { pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** Ids of the keys with which contents may be sealed; a row is deleted once nothing is sealed with its key. */
export const contentKeys = pgTable('content_keys', {
  kid: text().primaryKey(),
  since: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
