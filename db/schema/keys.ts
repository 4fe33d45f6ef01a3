import { index, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/**
 * Ed25519 keys of our instances. Published before they sign, and until nothing that they signed is checked any more.
 */
export const keys = pgTable(
  'keys',
  {
    kid: text().primaryKey(),
    instance: text().notNull(),
    /** `token` signs access tokens, `client` our assertions and proofs at peers, `provenance` actions. */
    use: text().$type<'token' | 'client' | 'provenance'>().notNull(),
    /** JWK. */
    public: jsonb().$type<Readonly<Record<string, unknown>>>().notNull(),
    /** JWK as a JWE. */
    private: text().notNull(),
    signsFrom: timestamp({ withTimezone: true, mode: 'string' }).notNull(),
    /** Null for the newest key of its use, and for `provenance` keys, which stay for verification. */
    retiresAt: timestamp({ withTimezone: true, mode: 'string' }),
    createdAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [index('keys_instance').on(table.instance, table.use, table.signsFrom)],
);
