import { sql } from 'drizzle-orm';
import { boolean, index, jsonb, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import type { CloseReason, MirrorState } from '#core/words/mirror.ts';

/** A pair of tickets on a link. The id is the escalating action's, minted on the customer's side. */
export const mirrors = pgTable(
  'mirrors',
  {
    id: uuid().primaryKey(),
    link: text().notNull(),
    kind: text().$type<'ticket'>().notNull().default('ticket'),
    state: text().$type<MirrorState>().notNull().default('opening'),
    shadow: boolean().notNull().default(false),
    closeReason: text().$type<CloseReason>(),
    closedAt: timestamp({ withTimezone: true, mode: 'string' }),
    pausedAt: timestamp({ withTimezone: true, mode: 'string' }),
    pauseReason: text(),
    customerInstance: text().notNull(),
    customerTicket: text().notNull(),
    customerNumber: text(),
    customerUrl: text(),
    supplierInstance: text().notNull(),
    supplierTicket: text(),
    supplierNumber: text(),
    supplierUrl: text(),
    /** Recent changes of direction, for the breaker; bounded. */
    turns: jsonb().$type<readonly { readonly at: string; readonly to: string }[]>().notNull().default([]),
    createdAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    openedAt: timestamp({ withTimezone: true, mode: 'string' }),
    /** Set when somebody was told that the escalation is overdue. */
    overdueToldAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [
    // One live mirror per ticket and link, seen from either ticket.
    uniqueIndex('mirrors_live_customer')
      .on(table.link, table.customerTicket)
      .where(sql`state in ('opening', 'open')`),
    uniqueIndex('mirrors_live_supplier')
      .on(table.link, table.supplierTicket)
      .where(sql`state in ('opening', 'open')`),
    index('mirrors_customer').on(table.customerInstance, table.customerTicket),
    index('mirrors_supplier').on(table.supplierInstance, table.supplierTicket),
    index('mirrors_opening')
      .on(table.createdAt)
      .where(sql`state = 'opening'`),
  ],
);
