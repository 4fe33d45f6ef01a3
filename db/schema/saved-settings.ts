import { integer, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

/** Every version that a profile, or a link's own settings, ever had; those of sides are in settings.ts. */
export const savedSettings = pgTable(
  'saved_settings',
  {
    /** `links/<id>` or `profiles/<id>` */
    subject: text().notNull(),
    version: integer().notNull(),
    settings: jsonb().$type<Record<string, unknown>>().notNull(),
    changedBy: text().notNull(),
    changedAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.subject, table.version] })],
);
