import { jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { LinkSettings } from '#core/settings.ts';

export const links = pgTable('links', {
  id: text().primaryKey(),
  state: text().$type<'active' | 'suspended' | 'closed'>().notNull().default('active'),
  settings: jsonb().$type<LinkSettings>().notNull(),
  createdAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
