import { integer, index, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

/**
 * Tickets whose reading was put off, which no feed names again: unlike a hint, this may not be lost. A row is claimed by
 * pushing `due_at` on, and goes when the ticket was read and nothing was put off meanwhile.
 */
export const putOff = pgTable(
  'put_off',
  {
    instance: text().notNull(),
    entity: text().notNull().default('ticket'),
    ticket: text().notNull(),
    dueAt: timestamp({ withTimezone: true, mode: 'string' }).notNull(),
    /** How often it was put off. */
    times: integer().notNull().default(1),
  },
  (table) => [
    primaryKey({ columns: [table.instance, table.entity, table.ticket] }),
    index('put_off_due').on(table.dueAt),
  ],
);
