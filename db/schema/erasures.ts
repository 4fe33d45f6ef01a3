import { sql } from 'drizzle-orm';
import { index, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/** That somebody is to be forgotten, said to the other side of a link (`out`) or by it (`in`), and the answer. Ids only. */
export const erasures = pgTable(
  'erasures',
  {
    /** Of whoever asks: the same at both gateways. */
    id: uuid().notNull(),
    link: text().notNull(),
    direction: text().$type<'out' | 'in'>().notNull(),
    /** Actions whose content is to go. */
    actions: uuid().array().notNull(),
    /** `asked` until the other side has it, `waiting` until somebody there decides; `unsupported`: it does not know this. */
    state: text().$type<'asked' | 'waiting' | 'done' | 'refused' | 'unsupported'>().notNull(),
    /** What was said with the answer. */
    answer: text(),
    createdAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    /** When the other side is asked next; null: never. */
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
