import { sql } from 'drizzle-orm';
import { bigint, index, jsonb, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { WireAction, WireReceipt } from '#core/wire.ts';

/** What an API-only side can read: handed over by being here. The cursor is `position`. */
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
    /** When a later cursor was asked for: the side has it. */
    readAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [
    uniqueIndex('offers_delivery').on(table.delivery),
    index('offers_link').on(table.link, table.position),
    index('offers_mirror').on(table.mirror, table.position),
    // What was not read yet, at or below a cursor.
    index('offers_unread')
      .on(table.link, table.position)
      .where(sql`read_at is null`),
  ],
);
