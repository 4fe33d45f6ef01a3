import { jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { WireLink } from '#core/wire.ts';

/** How we call the other gateway of a link, and its last report. */
export const peers = pgTable('peers', {
  link: text().primaryKey(),
  /** Our instance that calls, and the issuer URL of the one that is called. */
  instance: text().notNull(),
  issuer: text().notNull(),
  /** Our client id at the peer. */
  clientId: text().notNull(),
  /** Base URL of its API, without a trailing slash. */
  api: text().notNull(),
  dpop: text().$type<'off' | 'optional' | 'required'>().notNull().default('optional'),
  /** The peer's own name for the link. */
  farLink: text().notNull(),
  /** Its last answer about the link, and when it was received. `stale`: our end of the link has changed since. */
  said: jsonb().$type<WireLink & { readonly stale?: true }>(),
  saidAt: timestamp({ withTimezone: true, mode: 'string' }),
});
