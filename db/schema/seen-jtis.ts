import { index, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

/** Ids of assertions and proofs, so that each works once; kept until they would have expired anyway. */
export const seenJtis = pgTable(
  'seen_jtis',
  {
    client: text().notNull(),
    jti: text().notNull(),
    expiresAt: timestamp({ withTimezone: true, mode: 'string' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.client, table.jti] }), index('seen_jtis_expired').on(table.expiresAt)],
);
