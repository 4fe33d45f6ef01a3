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
  /** What `ferry check` has found out about it: by its connector's words, ids and names by which it knows us included. */
  learned: jsonb().$type<Readonly<Record<string, string | number | boolean>>>().notNull().default({}),
  /** SHA-256 of the secret in the webhook's path, hex. */
  hookSecretHash: text(),
  /** What the helpdesk says of itself and no other one says; null until the first contact, or where it says nothing. */
  identity: text().unique('instances_identity'),
  /** Grows with every change, so that processes know when to rebuild the connector. */
  version: integer().notNull().default(1),
  catalogueVersion: integer().notNull().default(0),
  /** Go-live, by the desk's own clock: what was made before is not carried. Null until it was asked. */
  liveSince: timestamp({ withTimezone: true, mode: 'string' }),
  /** The newest action's id at go-live, where ids grow over the whole instance. */
  liveAfter: text(),
  /** How far the desk's clock is ahead of ours, milliseconds; null until it was measured. */
  clockOffsetMs: integer(),
  /** By what it was measured: by actions of ours that the desk dated, or by its replies. */
  clockBy: text().$type<'action' | 'reply'>(),
  clockAt: timestamp({ withTimezone: true, mode: 'string' }),
  /** The desk shows other actions than it did: it was restored. Nothing is read or written until somebody has looked. */
  quarantinedAt: timestamp({ withTimezone: true, mode: 'string' }),
  quarantineReason: jsonb().$type<Reason>(),
  /** Tickets without a mirror of which nothing is newer are forgotten; a ticket that is not known is read from here on. */
  forgottenTo: timestamp({ withTimezone: true, mode: 'string' }),
  /**
   * `new` until the first contact, then what the last contact said; `key`: its secrets can't be opened with our key;
   * `other`: another helpdesk answers in its place. */
  state: text().$type<'new' | InstanceState>().notNull().default('new'),
  stateReason: text(),
  stateSince: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  createdAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
