import { bigint, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** Where an API client wants to be notified that there is something to read. One per link. */
export const webhooks = pgTable('webhooks', {
  link: text().primaryKey(),
  url: text().notNull(),
  /** Sealed; `whsec_…` in clear text. */
  secret: text().notNull(),
  /** The position notified last. */
  toldPosition: bigint({ mode: 'number' }).notNull().default(0),
  failures: integer().notNull().default(0),
  retryAt: timestamp({ withTimezone: true, mode: 'string' }),
  /** Why it is no longer called. */
  disabledReason: text(),
});
