import { sql } from 'drizzle-orm';
import { jsonb, pgTable, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core';

/**
 * Public keys with which origins sign their actions, each with the reason why it is believed: the origin's own key set
 * named it, or one link vouched for it. Both may name a key alike, so each reason has a row.
 */
export const originKeys = pgTable(
  'origin_keys',
  {
    /** Issuer URL. */
    origin: text().notNull(),
    kid: text().notNull(),
    key: jsonb().$type<Readonly<Record<string, unknown>>>().notNull(),
    /** The link by which it came; null: the origin's own JWKS said so. */
    vouchedBy: text(),
    seenAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    /** When whoever is the reason last named it. */
    confirmedAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    /** Somebody here has shut it out: nothing new that it signed is taken. */
    retiredAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [uniqueIndex('origin_keys_reason').on(table.origin, table.kid, sql`coalesce(${table.vouchedBy}, '')`)],
);
