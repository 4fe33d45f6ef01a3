import { sql } from 'drizzle-orm';
import { boolean, index, jsonb, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { CloseReason, MirrorState } from '#core/words/mirror.ts';

/**
 * A pair of tickets, or other records, on a link, at its first and its second place. Its name on the link is the
 * opening action's id, minted at the first.
 */
export const mirrors = pgTable(
  'mirrors',
  {
    id: uuid().primaryKey(),
    /** Its id at the link's other side, if another link's mirror already had that id here; null: the same as `id`. */
    saidId: uuid(),
    /** The action that opened it, if its local id differs from the mirror's; null: the same as `id`. */
    openedBy: uuid(),
    link: text().notNull(),
    state: text().$type<MirrorState>().notNull().default('opening'),
    shadow: boolean().notNull().default(false),
    closeReason: text().$type<CloseReason>(),
    closedAt: timestamp({ withTimezone: true, mode: 'string' }),
    pausedAt: timestamp({ withTimezone: true, mode: 'string' }),
    pauseReason: text(),
    firstInstance: text().notNull(),
    firstEntity: text().notNull().default('ticket'),
    firstTicket: text().notNull(),
    firstNumber: text(),
    firstUrl: text(),
    secondInstance: text().notNull(),
    secondEntity: text().notNull().default('ticket'),
    secondTicket: text(),
    secondNumber: text(),
    secondUrl: text(),
    /** Recent changes of direction, for the breaker; bounded. */
    turns: jsonb().$type<readonly { readonly at: string; readonly to: string }[]>().notNull().default([]),
    createdAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    openedAt: timestamp({ withTimezone: true, mode: 'string' }),
    /** Set when a notice was raised because the escalation is overdue. */
    overdueToldAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [
    // One live mirror per ticket and link, from either ticket's view.
    uniqueIndex('mirrors_live_first')
      .on(table.link, table.firstEntity, table.firstTicket)
      .where(sql`state in ('opening', 'open')`),
    uniqueIndex('mirrors_live_second')
      .on(table.link, table.secondEntity, table.secondTicket)
      .where(sql`state in ('opening', 'open')`),
    index('mirrors_said')
      .on(table.link, table.saidId)
      .where(sql`said_id is not null`),
    index('mirrors_first').on(table.firstInstance, table.firstEntity, table.firstTicket),
    index('mirrors_second').on(table.secondInstance, table.secondEntity, table.secondTicket),
    index('mirrors_opening')
      .on(table.createdAt)
      .where(sql`state = 'opening'`),
  ],
);
