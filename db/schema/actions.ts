import { sql } from 'drizzle-orm';
import { boolean, index, jsonb, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { Attachment, Audience, Person, Reason, SendTo, Visibility, Words } from '#core/words/vocabulary.ts';

/** The log. Without a mirror only ids, hash, time and reason are kept, never content. */
export const actions = pgTable(
  'actions',
  {
    id: uuid()
      .primaryKey()
      .default(sql`uuidv7()`),
    /** How its origin calls it, where another's action had that id here before; null: as it is called here. */
    saidId: uuid(),
    /** Where it was observed or received. */
    instance: text().notNull(),
    /** Of the record whose id `ticket` is. */
    entity: text().notNull().default('ticket'),
    ticket: text().notNull(),
    externalId: text().notNull(),
    origin: text().notNull(),
    /** As it is signed. */
    at: timestamp({ withTimezone: true, mode: 'string' }).notNull(),
    /** When it was made, by its desk's clock; null for what came from elsewhere. With id and author it says which one it is. */
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
    /** What markers of its writes are made of; null where it came from another gateway, or before markers were made of it. */
    mark: text(),
    /** Of the constant part. */
    hash: text().notNull(),
    via: text().array().notNull(),
    /** 32 hex digits, the same at every gateway it passes. */
    trace: text(),
    /** The canonical constant part as it left its origin, and its origin's signature; of what came from a peer. */
    signed: text(),
    signature: text(),
    /** The link whose word the signature's key was believed by; null: its origin's own. */
    vouchedBy: text(),
    /** What an escalation by a peer says of its ticket besides the words. */
    opening: jsonb().$type<{ summary: string; requester?: { name: string; email?: string } }>(),
    /** What a peer left out before it sent. */
    drops: jsonb().$type<readonly Reason[]>(),
    /** Since when its text is known to have been changed at its desk; what was carried stays. By our clock. */
    editedAt: timestamp({ withTimezone: true, mode: 'string' }),
    /** Why nothing was delivered; null when deliveries tell. */
    reason: text(),
    loggedAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('actions_observed').on(table.instance, table.entity, table.ticket, table.externalId),
    uniqueIndex('actions_origin').on(table.origin, table.id),
    index('actions_said')
      .on(table.saidId)
      .where(sql`said_id is not null`),
    // The purge of what was not carried.
    index('actions_not_carried')
      .on(table.loggedAt)
      .where(sql`reason is not null`),
  ],
);
