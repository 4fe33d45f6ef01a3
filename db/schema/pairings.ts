import { boolean, index, jsonb, pgTable, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';
import type { SideName } from '#core/words/vocabulary.ts';
import type { WireContact } from '#core/wire.ts';

/** One check of a pairing, in one direction. */
export type Check = {
  readonly name: string;
  readonly direction: 'ours' | 'theirs';
  readonly ok: boolean;
  /** For people: what was found, and what to do if it failed. */
  readonly text: string;
};

/** An invitation and its progress. The inviting gateway stores the code's hash, the accepting one the code, sealed. */
export const pairings = pgTable(
  'pairings',
  {
    id: uuid()
      .primaryKey()
      .default(sql`uuidv7()`),
    link: text().notNull(),
    /** The side that we take, and our instance on it. */
    side: text().$type<SideName>().notNull(),
    instance: text().notNull(),
    codeHash: text(),
    /** Sealed. */
    code: text(),
    state: text().$type<'invited' | 'pairing' | 'paired' | 'failed' | 'expired'>().notNull().default('invited'),
    /** A local name for the other side, if its own is not wanted; and the contact that it is given here. */
    name: text(),
    contact: jsonb().$type<WireContact>(),
    /** Issuer of the other side, once known. */
    issuer: text(),
    /** The current run of the checks, and whether we ask the other side for its results; otherwise it asked us. */
    run: uuid(),
    asks: boolean().notNull().default(true),
    checks: jsonb().$type<readonly Check[]>().notNull().default([]),
    createdBy: text().notNull(),
    createdAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    expiresAt: timestamp({ withTimezone: true, mode: 'string' }).notNull(),
    usedAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [uniqueIndex('pairings_code').on(table.codeHash), index('pairings_link').on(table.link, table.createdAt)],
);
