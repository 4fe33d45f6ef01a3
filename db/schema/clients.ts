import { jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { SideName } from '#core/words/vocabulary.ts';

/** Who may call the supplier and customer API: peers and API clients. One link and one role each. */
export const clients = pgTable('clients', {
  id: text().primaryKey(),
  link: text().notNull(),
  /** The side that the client speaks for. */
  role: text().$type<SideName>().notNull(),
  /** Our instance on that link: the audience of its tokens. */
  instance: text().notNull(),
  /** SHA-256 of each valid secret, hex; an old one until it expires, so that no request fails during a change. */
  secrets: jsonb()
    .$type<readonly { readonly hash: string; readonly expiresAt: string | null }[]>()
    .notNull()
    .default([]),
  /** Where its public keys are, for private_key_jwt; always a peer's JWKS. */
  jwksUri: text(),
  /** Its public keys as last seen. */
  jwks: jsonb().$type<{ readonly keys: readonly Record<string, unknown>[] }>(),
  /** When its key set was last read. */
  jwksReadAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  /** Whether its tokens are bound to a key of its own. */
  dpop: text().$type<'off' | 'optional' | 'required'>().notNull().default('optional'),
  revokedAt: timestamp({ withTimezone: true, mode: 'string' }),
  createdAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
