import { sql } from 'drizzle-orm';
import { index, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/**
 * Requests to erase content, sent to the other side of a link (`out`) or received from it (`in`), and the answer. Ids
 * only.
 */
export const erasures = pgTable(
  'erasures',
  {
    /** Chosen by the requesting side, and the same at both gateways. */
    id: uuid().notNull(),
    link: text().notNull(),
    direction: text().$type<'out' | 'in'>().notNull(),
    /** Actions whose content is to be erased. */
    actions: uuid().array().notNull(),
    /**
     * `asked` until the other side has it, `waiting` until somebody there decides; `unsupported`: it does not know
     * erasures.
     */
    state: text().$type<'asked' | 'waiting' | 'done' | 'refused' | 'unsupported'>().notNull(),
    /** The text of the answer. */
    answer: text(),
    createdAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    /** When to ask the other side next; null: never. */
    askAt: timestamp({ withTimezone: true, mode: 'string' }),
    answeredAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [
    primaryKey({ columns: [table.link, table.direction, table.id] }),
    index('erasures_ask')
      .on(table.askAt)
      .where(sql`ask_at is not null`),
  ],
);
