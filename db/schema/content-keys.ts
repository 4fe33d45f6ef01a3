import { pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** Names of the keys with which contents may be sealed; a row goes when nothing is sealed with its key any more. */
export const contentKeys = pgTable('content_keys', {
  kid: text().primaryKey(),
  since: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
