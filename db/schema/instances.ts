import { integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { InstanceState, InstanceType, Reason } from '#core/words/vocabulary.ts';

/** One helpdesk installation each. `credentials` is a JWE; the plain text exists only in memory. */
export const instances = pgTable('instances', {
  id: text().primaryKey(),
  type: text().$type<InstanceType>().notNull(),
  name: text().notNull(),
  url: text().notNull(),
  options: jsonb().$type<Record<string, unknown>>().notNull().default({}),
  credentials: text().notNull(),
  /**
   * What `ferry check` has learned about it, in its connector's terms, including ids and names by which it knows us.
   */
  learned: jsonb().$type<Readonly<Record<string, string | number | boolean>>>().notNull().default({}),
  /** SHA-256 of the secret in the webhook's path, hex. */
  hookSecretHash: text(),
  /**
   * What the helpdesk reports about itself and no other one does; null until the first contact, or if it reports
   * nothing.
   */
  identity: text().unique('instances_identity'),
  /** Increases with every change, so that processes know when to rebuild the connector. */
  version: integer().notNull().default(1),
  catalogueVersion: integer().notNull().default(0),
  /** Go-live, by the desk's own clock: actions created earlier are not carried. Null until it was queried. */
  liveSince: timestamp({ withTimezone: true, mode: 'string' }),
  /** The highest action id at go-live, if ids grow across the whole instance. */
  liveAfter: text(),
  /** How far the desk's clock runs ahead of ours, milliseconds; null until measured. */
  clockOffsetMs: integer(),
  /** How it was measured: from our actions that the desk dated, or from its replies. */
  clockBy: text().$type<'action' | 'reply'>(),
  clockAt: timestamp({ withTimezone: true, mode: 'string' }),
  /**
   * The desk shows other actions than before: it was restored. Nothing is read or written until somebody has looked.
   */
  quarantinedAt: timestamp({ withTimezone: true, mode: 'string' }),
  quarantineReason: jsonb().$type<Reason>(),
  /** Tickets without a mirror and without newer activity were deleted; an unknown ticket is read from here on. */
  forgottenTo: timestamp({ withTimezone: true, mode: 'string' }),
  /**
   * `new` until the first contact, then the result of the last contact; `key`: its secrets can't be opened with our
   * key; `other`: another helpdesk answers at its address.
   */
  state: text().$type<'new' | InstanceState>().notNull().default('new'),
  stateReason: text(),
  stateSince: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  createdAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
