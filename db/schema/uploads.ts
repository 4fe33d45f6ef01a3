import { bigint, index, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

/** Files that a peer or client has put, and that no action of its may refer to yet. Each link sees only its own. */
export const uploads = pgTable(
  'uploads',
  {
    link: text().notNull(),
    sha256: text().notNull(),
    sizeBytes: bigint({ mode: 'number' }).notNull(),
    /** As its bytes say; null where they do not. */
    type: text(),
    putAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.link, table.sha256] }),
    index('uploads_file').on(table.sha256),
    index('uploads_put').on(table.putAt),
  ],
);
