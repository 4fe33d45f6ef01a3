import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { ConstantPart, Outcome, Reason, Words } from '#core/words/vocabulary.ts';
import type { ReceiptView as Receipt } from '#core/conversation/receipt.ts';
import type { WireAction } from '#core/wire.ts';

/**
 * The intent to bring one action or one receipt down a lane. `copy` is an action that had already arrived another way.
 */
export const deliveries = pgTable(
  'deliveries',
  {
    id: uuid()
      .primaryKey()
      .default(sql`uuidv7()`),
    mirror: uuid().notNull(),
    toInstance: text().notNull(),
    seq: bigint({ mode: 'number' }).notNull(),
    kind: text().$type<'action' | 'receipt' | 'copy'>().notNull(),
    action: uuid().notNull(),
    escalation: boolean().notNull().default(false),
    receipt: jsonb().$type<Receipt>(),
    /** The sender's words if they are not the action's own: a relay uses the words of the desk in between. */
    words: jsonb().$type<Words>(),
    via: text().array(),
    attempts: integer().notNull().default(0),
    firstTriedAt: timestamp({ withTimezone: true, mode: 'string' }),
    outcome: text().$type<Outcome>(),
    reason: jsonb().$type<Reason>(),
    /** For relays: the constant part as it left the previous desk. */
    constant: jsonb().$type<ConstantPart>(),
    /** A peer has it; the outcome will arrive as a receipt. */
    acceptedAt: timestamp({ withTimezone: true, mode: 'string' }),
    /** Hash of the constant part as sent to the peer. */
    sentHash: text(),
    /**
     * The whole action as promised to the peer, so that a second attempt sends the same; empty once the peer has it.
     */
    sent: jsonb().$type<WireAction>(),
    /** When the peer was last asked for the outcome. */
    askedAt: timestamp({ withTimezone: true, mode: 'string' }),
    /** The peer's half of the trace. */
    far: jsonb().$type<{ readonly acceptedAt: string; readonly endedAt: string | null; readonly attempts: number }>(),
    /** What was left out although the delivery was applied. */
    drops: jsonb().$type<readonly Reason[]>(),
    heldAt: timestamp({ withTimezone: true, mode: 'string' }),
    /** Set aside so that the lane continues; not ended. */
    setAsideAt: timestamp({ withTimezone: true, mode: 'string' }),
    releasedAt: timestamp({ withTimezone: true, mode: 'string' }),
    /** It had been refused, is carried once more, and mails no end user. */
    quiet: boolean().notNull().default(false),
    createdAt: timestamp({ withTimezone: true, mode: 'string' }).notNull().defaultNow(),
    endedAt: timestamp({ withTimezone: true, mode: 'string' }),
  },
  (table) => [
    uniqueIndex('deliveries_lane').on(table.mirror, table.toInstance, table.seq),
    // An action goes down a lane once; place-deliveries.ts checks whether it reaches a ticket through two lanes.
    uniqueIndex('deliveries_once')
      .on(table.action, table.toInstance, table.mirror)
      .where(sql`kind = 'action'`),
    index('deliveries_waiting')
      .on(table.mirror, table.toInstance, table.seq)
      .where(sql`outcome is null and accepted_at is null`),
    // What a peer has accepted without reporting the outcome.
    index('deliveries_accepted')
      .on(table.acceptedAt)
      .where(sql`outcome is null and accepted_at is not null`),
    index('deliveries_held')
      .on(table.heldAt)
      .where(sql`outcome is null and held_at is not null`),
    index('deliveries_action').on(table.action),
  ],
);
