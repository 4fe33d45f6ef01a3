import { index, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** Files that nothing referred to when they were marked; deleted an hour later if that is still so. */
export const unusedFiles = pgTable(
  'unused_files',
  {
    sha256: text().primaryKey(),
    markedAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [index('unused_files_marked').on(table.markedAt)],
);
