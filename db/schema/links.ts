import { sql } from 'drizzle-orm';
import { index, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import type { LinkSettings } from '#core/rules/settings.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import type { LinkState, WireContact } from '#core/wire.ts';

export const links = pgTable(
  'links',
  {
    id: text().primaryKey(),
    state: text().$type<LinkState>().notNull().default('active'),
    /** Why it is not active. */
    stateReason: jsonb().$type<Reason>(),
    /** Where it is suspended for a while: who did it, by name, told to nobody else; and until when. */
    suspendedBy: text(),
    suspendedUntil: timestamp({ withTimezone: true, mode: 'string' }),
    /** When it was last resumed from quarantine: actions recorded earlier may already have been written. */
    resumedAt: timestamp({ withTimezone: true, mode: 'string' }),
    settings: jsonb().$type<LinkSettings>().notNull(),
    /** Who is on duty at the other side, shown with every failure; and at ours, sent to the other side. */
    farContact: jsonb().$type<WireContact>(),
    ownContact: jsonb().$type<WireContact>(),
    createdAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [
    // Every read asks whether writes may have been lost; nearly always none were.
    index('links_quarantined')
      .on(table.id)
      .where(sql`state = 'quarantined'`),
    index('links_paused')
      .on(table.suspendedUntil)
      .where(sql`suspended_until is not null`),
    index('links_resumed')
      .on(table.resumedAt)
      .where(sql`resumed_at is not null`),
  ],
);
