import { integer, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import type { SideSettings } from '#core/rules/settings.ts';

/** Every version that a side ever had; a change is a new row. */
export const settings = pgTable(
  'settings',
  {
    side: text().notNull(),
    version: integer().notNull(),
    settings: jsonb().$type<SideSettings>().notNull(),
    profile: text(),
    /** What the side sets itself, before its profile's keys are added; a changed profile is merged with it again. */
    own: jsonb().$type<Record<string, unknown>>(),
    changedBy: text().notNull(),
    changedAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.side, table.version] })],
);
