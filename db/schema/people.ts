import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

/** Far people mapped to local accounts, per side. */
export const people = pgTable(
  'people',
  { side: text().notNull(), far: text().notNull(), local: text().notNull() },
  (table) => [primaryKey({ columns: [table.side, table.far] })],
);
