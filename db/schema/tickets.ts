import { jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import type { TicketSnapshot } from '#core/words/vocabulary.ts';

/** Tickets, and other records, that were read at least once. `cursor` is the time of the latest action logged or recognised. */
export const tickets = pgTable(
  'tickets',
  {
    instance: text().notNull(),
    entity: text().notNull().default('ticket'),
    externalId: text().notNull(),
    cursor: timestamp({ withTimezone: true, mode: 'string' }),
    /** Content only while the ticket has a mirror. */
    snapshot: jsonb().$type<TicketSnapshot>(),
    readAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.instance, table.entity, table.externalId] })],
);
