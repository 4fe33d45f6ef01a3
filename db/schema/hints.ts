import { index, pgTable, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core';

/**
 * Records that supposedly have news. Unlogged (see the migration): a lost one costs a poll. An empty ticket means: look
 * at the entity's feed.
 */
export const hints = pgTable(
  'hints',
  {
    instance: text().notNull(),
    /** Entity of the record that `ticket` identifies. */
    entity: text().notNull().default('ticket'),
    ticket: text().notNull(),
    dueAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('hints_once').on(table.instance, table.entity, table.ticket),
    index('hints_due').on(table.dueAt),
  ],
);
