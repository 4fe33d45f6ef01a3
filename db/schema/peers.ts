import { jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { WireLink } from '#core/wire.ts';

/** How we call the other gateway of a link, and what it last said of itself. */
export const peers = pgTable('peers', {
  link: text().primaryKey(),
  /** Our instance that speaks, and the issuer URL of the one that is spoken to. */
  instance: text().notNull(),
  issuer: text().notNull(),
  /** We at the peer. */
  clientId: text().notNull(),
  /** Base URL of its API, without a trailing slash. */
  api: text().notNull(),
  dpop: text().$type<'off' | 'optional' | 'required'>().notNull().default('optional'),
  /** The peer's own name of the link. */
  farLink: text().notNull(),
  /** Its last answer about the link, and when. */
  said: jsonb().$type<WireLink & { /** Our end of the link has changed since. */ readonly stale?: true }>(),
  saidAt: timestamp({ withTimezone: true, mode: 'string' }),
});
