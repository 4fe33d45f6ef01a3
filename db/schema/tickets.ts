import { sql } from 'drizzle-orm';
import { index, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import type { TicketSnapshot } from '#core/words/vocabulary.ts';

/**
 * Tickets, and other records, that were read at least once. How far their history is known is a position made of ids
 * (core/log/position.ts); `cursor` only hints where to look: the time of the action at the floor, by the desk's clock.
 */
export const tickets = pgTable(
  'tickets',
  {
    instance: text().notNull(),
    entity: text().notNull().default('ticket'),
    externalId: text().notNull(),
    cursor: timestamp({ withTimezone: true, mode: 'string' }),
    floor: text(),
    high: text(),
    highSince: timestamp({ withTimezone: true, mode: 'string' }),
    mark: text(),
    /** Since when it has been missing for us, and since when its neighbours were visible all that time. */
    missingSince: timestamp({ withTimezone: true, mode: 'string' }),
    missingBesideSince: timestamp({ withTimezone: true, mode: 'string' }),
    /** Stored only while the ticket has a mirror. */
    snapshot: jsonb().$type<TicketSnapshot>(),
    /** The snapshot's reading: the highest id it showed, and when it began, by the database's clock. */
    snapshotTop: text(),
    snapshotBegun: timestamp({ withTimezone: true, mode: 'string' }),
    readAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.instance, table.entity, table.externalId] }),
    index('tickets_missing')
      .on(table.missingSince)
      .where(sql`missing_since is not null`),
  ],
);
