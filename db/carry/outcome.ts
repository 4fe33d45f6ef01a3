/**
 * Ends a delivery: one transaction with its outcome, its receipt, its relays and the new state of its lane and mirror.
 * Its only condition is `outcome is null`, so a second caller changes nothing. Locks tickets (the caller's read-back),
 * then the mirror, then both lanes, then the delivery.
 */
import { sql } from 'drizzle-orm';
import { must } from '#core/words/must.ts';
import { reason as reasonFor } from '#core/words/reasons.ts';
import { isRemote } from '#core/words/reach.ts';
import type { ReceiptView as Receipt } from '#core/conversation/receipt.ts';
import type { Command, ConstantPart, Outcome, Reason } from '#core/words/vocabulary.ts';
import type { Db, Tx } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { isBeforeResumed, type DeliveryContext } from './delivery-context.ts';
import { settleLane } from './lanes.ts';
import { markEnded, type EndedBy, type MarkedEnded } from './mark-ended.ts';
import type { OwnWrite, Versions } from './writes.ts';
import { clearNotices } from '#db/base/notices.ts';
import { putReceipt } from '#db/log/receipts.ts';
import { relay } from './relay.ts';
import { leavesCopies, tryCopies } from './try-copies.ts';
import type { VersionCache } from '#db/settings/settings-in-force.ts';
import { knownNow, type Later, type UnitOfWork } from '#db/base/unit-of-work.ts';

export type Ending = {
  readonly outcome: Outcome;
  /** Null only if it was applied unchanged. */
  readonly reason: Reason | null;
  readonly drops: readonly Reason[];
  readonly durationMs: number;
  /** The versions that decided it; null if it was not decided here. */
  readonly versions: Versions | null;
  /** What was done, for relays; absent if nothing was. */
  readonly command?: Command;
  /** For relays: the constant part as it left the previous desk, if that differs from the logged one. */
  readonly constant?: ConstantPart;
  /** The ticket that an escalation opened. */
  readonly opened?: Opened;
  /** The ticket is known to have no other mirror, so nothing can be relayed. */
  readonly alone?: boolean;
  /** An earlier statement of the transaction has already locked the mirror, both its lanes and the delivery. */
  readonly locked?: boolean;
  /** Null if no drain reports it. */
  readonly by: EndedBy | null;
  /** The helpdesk's answer to its last write. */
  readonly made?: OwnWrite;
};

export type Ended = {
  /** Instances to wake after the commit; none if somebody else had already ended it. */
  readonly wake: readonly string[];
  readonly marked: Later<MarkedEnded>;
};

export async function endDelivery(
  unit: UnitOfWork,
  cache: VersionCache,
  context: DeliveryContext,
  ending: Ending,
): Promise<Ended> {
  const { delivery, mirror } = context;
  const to = context.to.instance;
  const other = context.from.instance;
  const wake: string[] = [];

  // Sent together; the connection keeps their order, so what the second sees is what the locks protect.
  const locking = ending.locked === true ? null : lockPlace(unit.tx, mirror.id, delivery.id);
  const marking = {
    ...ending,
    made: ending.made ?? null,
    delivery: delivery.id,
    mirror: mirror.id,
    to,
    accepted: delivery.acceptedAt !== null,
  };
  if (isPlain(context, ending)) {
    const marked = unit.later(markEnded, marking);
    await locking;
    return { wake, marked };
  }
  const [[answer]] = await Promise.all([markEnded.send(unit.tx, [marking]), locking]);
  const marked = must(answer, 'the answer about the delivery');
  if (!marked.ended) return { wake: [], marked: knownNow(marked) };
  if (delivery.kind === 'action' && opensMirror(context)) {
    await moveOpening(unit.tx, context, ending);
    await unit.tx.execute(settleLane(mirror.id, to));
  }

  const receipt = delivery.kind === 'action' ? receiptOf(context, ending) : null;
  if (receipt !== null) {
    await putReceipt(unit.tx, { mirror: mirror.id, to: other, action: context.action.id, receipt });
    wake.push(other);
  }
  if (delivery.kind === 'action') {
    const { outcome, reason } = ending;
    const way = { delivery: delivery.id, action: context.action.id, mirror: mirror.id, to, desk: context.to.name };
    wake.push(...(await tryCopies(unit.tx, { ...way, outcome, reason, byHand: false })));
  }
  const travelsOn = ending.outcome === 'applied' && delivery.kind === 'action' && ending.alone !== true;
  if (travelsOn && ending.command !== undefined) {
    wake.push(...(await relay(unit.tx, cache, context, to, ending.command, ending.constant)));
  }
  return { wake, marked: knownNow(marked) };
}

/**
 * Locks the mirror, then both its lanes, then the delivery. A promise being made for it is committed by then, and
 * visible to the statement that ends it.
 */
async function lockPlace(tx: Tx, mirror: string, delivery: string): Promise<void> {
  await tx.execute(
    sql`with locked as materialized (select id from mirrors where id = ${mirror} for update),
        lanes_locked as materialized (
          select count(*) as n from (
            select mirror from lanes where mirror = ${mirror} and exists (select 1 from locked) order by to_instance for update
          ) both_lanes
        )
      select id from deliveries where id = ${delivery} and (select n from lanes_locked) >= 0 for no key update`,
  );
}

/** Tells whether nothing follows from the end: no ticket opened, no receipt, no relay, no copy that may have to be tried. */
function isPlain(context: DeliveryContext, ending: Ending): boolean {
  const { kind } = context.delivery;
  if (kind !== 'action') return true;
  const relays = ending.outcome === 'applied' && ending.alone !== true && ending.command !== undefined;
  return !opensMirror(context) && !relays && !leavesCopies(ending) && receiptOf(context, ending) === null;
}

/** Tells whether this is the first escalation of its mirror; later ones are refused and change nothing about it. */
function opensMirror({ delivery, mirror, action }: DeliveryContext): boolean {
  return delivery.escalation && mirror.openedBy === action.id;
}

export type Opened = {
  /** The instance's own word; absent if the mirror has it. */
  readonly entity?: string;
  readonly ticketId: string;
  readonly number: string;
  readonly url: string;
};

/** Binds the opened ticket to its mirror: what happens there from now on belongs to the mirror. */
export async function bindTicket(tx: Tx, context: DeliveryContext, opened: Opened): Promise<void> {
  const { mirror } = context;
  await tx.execute(
    sql`update mirrors set state = 'open', opened_at = now(), second_ticket = ${opened.ticketId},
        second_entity = ${opened.entity ?? mirror.ends.supplier.entity}, second_number = ${opened.number}, second_url = ${opened.url}
      where id = ${mirror.id} and state = 'opening'`,
  );
  await clearNotices(tx, mirror.link, `overdue/${mirror.id}`);
}

async function moveOpening(tx: Tx, context: DeliveryContext, ending: Ending): Promise<void> {
  const { mirror, to } = context;
  if (ending.outcome === 'applied' && ending.opened !== undefined) {
    await bindTicket(tx, context, ending.opened);
    return;
  }
  if (ending.outcome === 'skipped' && mirror.shadow) {
    await tx.execute(sql`update mirrors set state = 'open', opened_at = now() where id = ${mirror.id}`);
    return;
  }
  // Refused, or not sent after all: everything waiting after it ends here, covered by the one receipt.
  await tx.execute(sql`update mirrors set state = 'refused' where id = ${mirror.id} and state = 'opening'`);
  await tx.execute(
    sql`update deliveries set outcome = 'skipped', ended_at = now(),
        reason = ${content('reason', reasonFor('not-opened', { desk: to.name }))}::jsonb
      where mirror = ${mirror.id} and to_instance = ${to.instance} and outcome is null`,
  );
}

function receiptOf(context: DeliveryContext, ending: Ending): Receipt | null {
  const { delivery, action, from, to } = context;
  const opened = ending.outcome === 'applied' && opensMirror(context);
  // Another gateway or API client needs every outcome; a desk gets only what somebody there must know.
  const needsAll = isRemote(from.type);
  const overtaken = hasLost(context, ending);
  if (!needsAll && !opened && ending.outcome !== 'refused' && overtaken === null) return null;
  return {
    outcome: ending.outcome,
    reason: overtaken ?? ending.reason ?? reasonFor('applied-as-is', { desk: to.name }),
    escalation: delivery.escalation,
    farName: to.name,
    farNumber: ending.opened?.number ?? to.number,
    farUrl: ending.opened?.url ?? to.url,
    action: {
      author: action.author ?? { name: '', role: 'automation' },
      at: action.at,
      kind: (delivery.words ?? action.words)?.kind ?? null,
    },
  };
}

/**
 * Returns the reason if a person's change had no effect because the other side has changed the same thing since. A
 * machine need not know.
 */
function hasLost(context: DeliveryContext, { reason, drops }: Ending): Reason | null {
  const { action } = context;
  // It can no longer be determined whether it took effect before it was changed again.
  if (isBeforeResumed(context)) return null;
  if (action.author?.role !== 'agent' && action.author?.role !== 'service') return null;
  return [reason, ...drops].find((one) => one?.code === 'overtaken') ?? null;
}

export async function noteAttempt(
  db: Db,
  delivery: string,
  result: string,
  why: Reason | null,
  durationMs: number,
  versions: Versions | null,
): Promise<void> {
  await db.execute(
    sql`insert into attempts (delivery, duration_ms, result, reason, versions)
      values (${delivery}, ${Math.round(durationMs)}, ${result}, ${content('reason', why)}::jsonb, ${json(versions)}::jsonb)`,
  );
}

function json(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
