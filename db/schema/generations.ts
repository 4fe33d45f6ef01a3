import { sql } from 'drizzle-orm';
import { bigint, pgTable, timestamp, uuid } from 'drizzle-orm/pg-core';

/**
 * One row for each start of a gateway or worker. Its beats increase while that process runs, and a witness outside the
 * database records the last of them: a database that lacks it is older than before.
 */
export const generations = pgTable('generations', {
  generation: bigint({ mode: 'number' }).primaryKey(),
  nonce: uuid()
    .notNull()
    .default(sql`gen_random_uuid()`),
  beats: bigint({ mode: 'number' }).notNull().default(1),
  startedAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  /** Time of the last beat. */
  at: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
