import { index, integer, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

export const feeds = pgTable(
  'feeds',
  {
    instance: text().notNull(),
    /** Of the records that the feed tells of. */
    entity: text().notNull().default('ticket'),
    /** Opaque, the connector's. Null until go-live. */
    cursor: text(),
    nextPollAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    failures: integer().notNull().default(0),
    readAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [primaryKey({ columns: [table.instance, table.entity] }), index('feeds_next_poll').on(table.nextPollAt)],
);
