import { sql } from 'drizzle-orm';
import { jsonb, pgTable, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core';

/**
 * Public keys that origins sign their actions with, each with the reason for trusting it: the origin's own key set
 * named it, or one link vouched for it. Both may use the same name for a key, so each reason has its own row.
 */
export const originKeys = pgTable(
  'origin_keys',
  {
    /** Issuer URL. */
    origin: text().notNull(),
    kid: text().notNull(),
    key: jsonb().$type<Readonly<Record<string, unknown>>>().notNull(),
    /** The link that brought it; null: the origin's own JWKS named it. */
    vouchedBy: text(),
    seenAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    /** When the source last named it. */
    confirmedAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    /** Somebody here has blocked it: nothing new that it signed is accepted. */
    retiredAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [uniqueIndex('origin_keys_reason').on(table.origin, table.kid, sql`coalesce(${table.vouchedBy}, '')`)],
);
