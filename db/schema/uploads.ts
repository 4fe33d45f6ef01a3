import { bigint, index, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

/**
 * Files that a peer or API client has uploaded, and that none of its actions may refer to yet. Each link sees only its
 * own.
 */
export const uploads = pgTable(
  'uploads',
  {
    link: text().notNull(),
    sha256: text().notNull(),
    sizeBytes: bigint({ mode: 'number' }).notNull(),
    /** As detected from its bytes; null if unrecognised. */
    type: text(),
    putAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.link, table.sha256] }),
    index('uploads_file').on(table.sha256),
    index('uploads_put').on(table.putAt),
  ],
);
