import { index, integer, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

export const feeds = pgTable(
  'feeds',
  {
    instance: text().notNull(),
    /** Entity of the records in the feed. */
    entity: text().notNull().default('ticket'),
    /** The connector's opaque cursor. Null until go-live. */
    cursor: text(),
    nextPollAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    failures: integer().notNull().default(0),
    readAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [primaryKey({ columns: [table.instance, table.entity] }), index('feeds_next_poll').on(table.nextPollAt)],
);
