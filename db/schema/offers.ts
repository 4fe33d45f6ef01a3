import { sql } from 'drizzle-orm';
import { bigint, index, jsonb, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { WireAction, WireReceipt } from '#core/wire.ts';

/** Entries that an API client can read: storing one here hands it over. The cursor is `position`. */
export const offers = pgTable(
  'offers',
  {
    position: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    link: text().notNull(),
    mirror: uuid().notNull(),
    delivery: uuid().notNull(),
    action: jsonb().$type<WireAction>(),
    receipt: jsonb().$type<WireReceipt>(),
    offeredAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    /** When a later cursor was requested: the client has it. */
    readAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [
    uniqueIndex('offers_delivery').on(table.delivery),
    index('offers_link').on(table.link, table.position),
    index('offers_mirror').on(table.mirror, table.position),
    // Unread entries up to a cursor.
    index('offers_unread')
      .on(table.link, table.position)
      .where(sql`read_at is null`),
  ],
);
