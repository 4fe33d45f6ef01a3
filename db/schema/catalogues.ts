import { integer, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import type { Catalogue } from '#core/words/vocabulary.ts';

export const catalogues = pgTable(
  'catalogues',
  {
    instance: text().notNull(),
    version: integer().notNull(),
    catalogue: jsonb().$type<Catalogue>().notNull(),
    readAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.instance, table.version] })],
);
