import { integer, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';

/** Ids of actions that are ours (`echo`) or that an automation made because of ours (`consequence`). */
export const writtenIds = pgTable(
  'written_ids',
  {
    instance: text().notNull(),
    /** Entity of the record that `ticket` identifies. */
    entity: text().notNull().default('ticket'),
    ticket: text().notNull(),
    externalId: text().notNull(),
    as: text().$type<'echo' | 'consequence'>().notNull(),
    delivery: uuid(),
    step: integer(),
    at: timestamp({ withTimezone: true, mode: 'string' }).notNull(),
    /** When it was created, by its desk's clock; null for actions found before that was recorded. */
    madeAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [uniqueIndex('written_ids_once').on(table.instance, table.entity, table.ticket, table.externalId)],
);
