import { index, integer, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';

/** Notices for people, grouped by cause; `cleared_at` triggers the all-clear. */
export const notices = pgTable(
  'notices',
  {
    id: uuid()
      .primaryKey()
      .default(sql`uuidv7()`),
    link: text().notNull(),
    cause: text().notNull(),
    text: text().notNull(),
    count: integer().notNull().default(1),
    firstAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    lastAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    toldAt: timestamp({ withTimezone: true, mode: 'string' }),
    clearedAt: timestamp({ withTimezone: true, mode: 'string' }),
    clearToldAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [
    // One open notice per link and cause; repeats only increase its count.
    uniqueIndex('notices_open')
      .on(table.link, table.cause)
      .where(sql`cleared_at is null`),
    index('notices_untold')
      .on(table.lastAt)
      .where(sql`told_at is null or (cleared_at is not null and clear_told_at is null)`),
  ],
);
