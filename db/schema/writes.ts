import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgTable, primaryKey, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';

/**
 * One change each that Ferry makes in a helpdesk, promised before it is made.
 * `open`: promised, result unknown. `made`: the helpdesk confirmed it. `settled`: seen. `absent`: certainly not made.
 */
export const writes = pgTable(
  'writes',
  {
    delivery: uuid().notNull(),
    step: integer().notNull(),
    instance: text().notNull(),
    /** Entity of the record that `ticket` identifies. */
    entity: text().notNull().default('ticket'),
    /** Null while the step creates it. */
    ticket: text(),
    marker: text().notNull(),
    fingerprints: text().array().notNull(),
    /** With the first step: the whole plan, so that the delivery is never decided again. */
    plan: jsonb().$type<unknown>(),
    state: text().$type<'open' | 'made' | 'settled' | 'absent'>().notNull().default('open'),
    written: jsonb().$type<{ ticketId: string; actionIds: readonly string[]; number?: string; url?: string }>(),
    promisedAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    /** The request never runs past this, by the database's clock. */
    deadline: timestamp({ withTimezone: true, mode: 'string' }).notNull(),
    settledAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [
    primaryKey({ columns: [table.delivery, table.step] }),
    uniqueIndex('writes_one_open')
      .on(table.instance, table.entity, table.ticket)
      .where(sql`state = 'open'`),
    // Finding echoes requires a ticket's unsettled and recent writes.
    index('writes_ticket').on(table.instance, table.entity, table.ticket, table.promisedAt),
    index('writes_open_creates')
      .on(table.instance, table.entity)
      .where(sql`state = 'open' and ticket is null`),
  ],
);
