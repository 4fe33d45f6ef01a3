import { pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { SideName } from '#core/vocabulary.ts';

/** Clients of the supplier and customer API: peers and in-house tools. */
export const clients = pgTable('clients', {
  id: text().primaryKey(),
  link: text().notNull(),
  role: text().$type<SideName>().notNull(),
  secretHash: text(),
  revokedAt: timestamp({ withTimezone: true, mode: 'string' }),
  createdAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
