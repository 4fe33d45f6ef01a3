import { bigint, integer, pgTable, text } from 'drizzle-orm/pg-core';

/** Requests granted per instance recently, in slots of a twentieth of its window: products count in rolling windows. */
export const budgets = pgTable('budgets', {
  instance: text().primaryKey(),
  /** Number of the newest slot, counted from 1970. */
  slot: bigint({ mode: 'number' }).notNull(),
  /** Granted per slot, newest first. */
  spent: integer().array().notNull(),
});
