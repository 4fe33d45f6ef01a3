import { sql } from 'drizzle-orm';
import { index, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/** Who changed what, and when. Insert only. */
export const audit = pgTable(
  'audit',
  {
    id: uuid()
      .primaryKey()
      .default(sql`uuidv7()`),
    at: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    by: text().notNull(),
    what: text().notNull(),
    subject: text().notNull(),
    detail: jsonb().$type<Record<string, unknown>>().notNull().default({}),
  },
  (table) => [index('audit_subject').on(table.subject, table.at)],
);
