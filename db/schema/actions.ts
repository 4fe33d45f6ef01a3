import { sql } from 'drizzle-orm';
import { boolean, index, jsonb, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { Attachment, Audience, Person, Reason, SendTo, Visibility, Words } from '#core/words/vocabulary.ts';

/** The log. Without a mirror only ids, hash, time and reason are stored, never content. */
export const actions = pgTable(
  'actions',
  {
    id: uuid()
      .primaryKey()
      .default(sql`uuidv7()`),
    /** Its id at its origin, if another action already had that id here; null: the same as `id`. */
    saidId: uuid(),
    /** The instance where it was observed, or from which it was received. */
    instance: text().notNull(),
    /** Entity of the record that `ticket` identifies. */
    entity: text().notNull().default('ticket'),
    ticket: text().notNull(),
    externalId: text().notNull(),
    origin: text().notNull(),
    /** As signed. */
    at: timestamp({ withTimezone: true, mode: 'string' }).notNull(),
    /**
     * When it was created, by its desk's clock; null for actions from elsewhere. Together with id and author it
     * identifies the action.
     */
    madeAt: timestamp({ withTimezone: true, mode: 'string' }),
    author: jsonb().$type<Person>(),
    audience: text().$type<Audience>().notNull(),
    visibility: text().$type<Visibility>().notNull(),
    sendTo: text().$type<SendTo>(),
    /** The desk mailed somebody outside when it was recorded. */
    mailed: boolean(),
    /** Sanitised HTML. */
    note: text(),
    words: jsonb().$type<Words>(),
    attachments: jsonb().$type<readonly Attachment[]>().notNull().default([]),
    /**
     * Markers of its writes are derived from it; null if it came from another gateway, or was logged before marks
     * existed.
     */
    mark: text(),
    /** Of the constant part. */
    hash: text().notNull(),
    via: text().array().notNull(),
    /** 32 hex digits, the same at every gateway that it passes. */
    trace: text(),
    /** The canonical constant part as it left its origin, and its origin's signature; only for actions from a peer. */
    signed: text(),
    signature: text(),
    /** The link that vouched for the signature's key; null: the origin itself did. */
    vouchedBy: text(),
    /** What an escalation by a peer says about its ticket besides the words. */
    opening: jsonb().$type<{ summary: string; requester?: { name: string; email?: string } }>(),
    /** What a peer left out before sending. */
    drops: jsonb().$type<readonly Reason[]>(),
    /** When its text was first seen to have been edited at its desk; what was carried stays. By our clock. */
    editedAt: timestamp({ withTimezone: true, mode: 'string' }),
    /** Why nothing was delivered; null if there are deliveries. */
    reason: text(),
    loggedAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('actions_observed').on(table.instance, table.entity, table.ticket, table.externalId),
    uniqueIndex('actions_origin').on(table.origin, table.id),
    index('actions_said')
      .on(table.saidId)
      .where(sql`said_id is not null`),
    // For the purge of uncarried actions.
    index('actions_not_carried')
      .on(table.loggedAt)
      .where(sql`reason is not null`),
  ],
);
