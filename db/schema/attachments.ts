import { bigint, index, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/** Files of logged actions, once staged. */
export const attachments = pgTable(
  'attachments',
  {
    action: uuid().notNull(),
    id: text().notNull(),
    sha256: text(),
    sizeBytes: bigint({ mode: 'number' }),
    type: text(),
    /** Why it can't come; a placeholder informs both desks. */
    failure: text(),
    stagedAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.action, table.id] }),
    // A file is deleted with its last reference.
    index('attachments_file').on(table.sha256),
  ],
);
