import { jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

/** Public keys with which origins sign their actions. The first key seen of an origin is remembered with who vouched for it. */
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
  },
  (table) => [primaryKey({ columns: [table.origin, table.kid] })],
);
