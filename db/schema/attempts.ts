import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { Reason } from '#core/words/vocabulary.ts';

/** One row per attempt. Partitioned by month (see the migration), so that old ones can be dropped at no cost. */
export const attempts = pgTable(
  'attempts',
  {
    id: uuid()
      .notNull()
      .default(sql`uuidv7()`),
    delivery: uuid().notNull(),
    at: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    durationMs: integer().notNull(),
    /** `applied`, `skipped`, `refused`, `held`, or `retry`. */
    result: text().notNull(),
    reason: jsonb().$type<Reason>(),
    /** Versions of outbound, inbound and catalogue that the decision used. */
    versions: jsonb().$type<{ readonly outbound: number; readonly inbound?: number; readonly catalogue?: number }>(),
  },
  (table) => [index('attempts_delivery').on(table.delivery)],
);
