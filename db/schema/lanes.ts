import { sql } from 'drizzle-orm';
import { bigint, index, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/** One direction of a mirror. `due_at` is null only if everything up to `last_seq` has ended. */
export const lanes = pgTable(
  'lanes',
  {
    mirror: uuid().notNull(),
    toInstance: text().notNull(),
    link: text().notNull(),
    /** The highest seq assigned. */
    lastSeq: bigint({ mode: 'number' }).notNull().default(0),
    /** Everything below has ended. */
    headSeq: bigint({ mode: 'number' }).notNull().default(1),
    /** When this lane must next be carried. */
    dueAt: timestamp({ withTimezone: true, mode: 'string' }),
    /** To a peer: the last seq sent, for `after`, and the highest that the peer has acknowledged. */
    sentSeq: bigint({ mode: 'number' }).notNull().default(0),
    ackedSeq: bigint({ mode: 'number' }).notNull().default(0),
    /** From a peer: the highest of its seqs that was accepted. */
    acceptedSeq: bigint({ mode: 'number' }).notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.mirror, table.toInstance] }),
    index('lanes_due')
      .on(table.toInstance, table.dueAt)
      .where(sql`due_at is not null`),
    // Fairness: finds other links' due lanes without scanning those of a noisy one.
    index('lanes_due_link')
      .on(table.toInstance, table.link, table.dueAt)
      .where(sql`due_at is not null`),
  ],
);
