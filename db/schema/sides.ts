import { integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import type { SideName } from '#core/words/vocabulary.ts';

/** The two ends of each link. `id` is `<link>/<side>`. */
export const sides = pgTable(
  'sides',
  {
    id: text().primaryKey(),
    link: text().notNull(),
    /** Its role. */
    side: text().$type<SideName>().notNull(),
    /** Which of the two ends of each mirror is this side's. */
    place: text().$type<'first' | 'second'>().notNull(),
    instance: text().notNull(),
    /** The version in force. */
    settingsVersion: integer().notNull(),
  },
  (table) => [
    uniqueIndex('sides_link_side').on(table.link, table.side),
    uniqueIndex('sides_link_place').on(table.link, table.place),
    // Logging looks up the links on which an instance is the customer.
    uniqueIndex('sides_instance').on(table.instance, table.side, table.link),
  ],
);
