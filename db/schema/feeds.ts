import { index, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

export const feeds = pgTable(
  'feeds',
  {
    instance: text().primaryKey(),
    /** Opaque, the connector's. Null until go-live. */
    cursor: text(),
    nextPollAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    failures: integer().notNull().default(0),
    readAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [index('feeds_next_poll').on(table.nextPollAt)],
);
