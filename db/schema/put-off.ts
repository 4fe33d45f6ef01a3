import { integer, index, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

/**
 * Deferred reads of tickets that no feed will name again: unlike a hint, such a row must not be lost. It is claimed by
 * moving `due_at` forward, and deleted once the ticket was read and not deferred again in the meantime.
 */
export const putOff = pgTable(
  'put_off',
  {
    instance: text().notNull(),
    entity: text().notNull().default('ticket'),
    ticket: text().notNull(),
    dueAt: timestamp({ withTimezone: true, mode: 'string' }).notNull(),
    /** How often it was deferred. */
    times: integer().notNull().default(1),
  },
  (table) => [
    primaryKey({ columns: [table.instance, table.entity, table.ticket] }),
    index('put_off_due').on(table.dueAt),
  ],
);
