import { integer, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import type { SideName } from '#core/words/vocabulary.ts';

/** The two ends of each link. `id` is `<link>/<side>`. */
export const sides = pgTable(
  'sides',
  {
    id: text().primaryKey(),
    link: text().notNull(),
    side: text().$type<SideName>().notNull(),
    instance: text().notNull(),
    /** The version in force. */
    settingsVersion: integer().notNull(),
  },
  (table) => [
    uniqueIndex('sides_link_side').on(table.link, table.side),
    // Log asks for the links on which an instance is the customer.
    uniqueIndex('sides_instance').on(table.instance, table.side, table.link),
  ],
);
