import { boolean, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import type { TicketSnapshot } from '#core/words/vocabulary.ts';

/**
 * Trials of `ferry check` that have not cleaned up yet, each stored before it writes: this is how the next check finds
 * and deletes what a killed one wrote. A row is deleted once everything is deleted that can be.
 */
export const trials = pgTable(
  'trials',
  {
    instance: text().notNull(),
    ticket: text().notNull(),
    /** The prefix of its writes' markers. */
    marker: text().notNull(),
    /** The ticket before anything was written. */
    before: jsonb().$type<TicketSnapshot>().notNull(),
    /** Ids of actions that existed before. */
    known: text().array().notNull(),
    /** Names of the statuses and fields that it set. */
    statuses: text().array().notNull(),
    fields: text().array().notNull(),
    /** It set the subject. */
    summary: boolean().notNull(),
    /** It may be running until then. */
    overAt: timestamp({ withTimezone: true, mode: 'string' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.instance, table.ticket] })],
);
