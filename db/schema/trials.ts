import { boolean, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import type { TicketSnapshot } from '#core/words/vocabulary.ts';

/**
 * Trials of `ferry check` that have not cleaned up yet, each kept before it writes: what a killed one wrote is found by it,
 * and deleted by the next check. A row goes when all is deleted that can be.
 */
export const trials = pgTable(
  'trials',
  {
    instance: text().notNull(),
    ticket: text().notNull(),
    /** What the markers of its writes begin with. */
    marker: text().notNull(),
    /** The ticket before anything was written. */
    before: jsonb().$type<TicketSnapshot>().notNull(),
    /** Ids of actions that were there before. */
    known: text().array().notNull(),
    /** Names of what it set. */
    statuses: text().array().notNull(),
    fields: text().array().notNull(),
    /** It set the subject. */
    summary: boolean().notNull(),
    /** Until then it may be under way. */
    overAt: timestamp({ withTimezone: true, mode: 'string' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.instance, table.ticket] })],
);
