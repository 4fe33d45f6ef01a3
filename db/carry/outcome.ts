/**
 * How a delivery ends: one transaction with its outcome, its receipt, its relays and where its lane and mirror stand
 * after. It needs only `where outcome is null`, so whoever comes second changes nothing. Locks tickets (the caller's
 * read-back), then the mirror, then both lanes, then the delivery.
 */
import { sql } from 'drizzle-orm';
import { reason as reasonFor } from '#core/words/reasons.ts';
import { isRemote } from '#core/words/reach.ts';
import type { ReceiptView as Receipt } from '#core/conversation/receipt.ts';
import type { Command, ConstantPart, Outcome, Reason } from '#core/words/vocabulary.ts';
import type { Db, Tx } from '#db/base/client.ts';
import { content } from '#db/base/content.ts';
import { isBeforeResumed, type DeliveryContext } from './delivery-context.ts';
import { settleLane } from './lanes.ts';
import { markEnded, type EndedBy, type MarkedEnded } from './mark-ended.ts';
import type { Versions } from './writes.ts';
import { clearNotices } from '#db/base/notices.ts';
import type { OwnWrite } from '#db/log/log-reading.ts';
import { putReceipt } from '#db/log/receipts.ts';
import { relay } from './relay.ts';
import { leavesCopies, tryCopies } from './try-copies.ts';
import type { VersionCache } from '#db/settings/settings-in-force.ts';
import { sendGathered } from '#db/base/transaction.ts';

export type Ending = {
  readonly outcome: Outcome;
  /** Null only where it was applied as it came. */
  readonly reason: Reason | null;
  readonly drops: readonly Reason[];
  readonly durationMs: number;
  /** What it was decided by; null where it was not decided here. */
  readonly versions: Versions | null;
  /** What was done, for relays; absent where nothing was. */
  readonly command?: Command;
  /** The constant part as it left the desk before, where that is not as it was logged: what a relay takes along. */
  readonly constant?: ConstantPart;
  /** The ticket an escalation opened. */
  readonly opened?: Opened;
  /** The ticket is known to have no other mirror, so that nothing can be relayed. */
  readonly alone?: boolean;
  /** The mirror, both its lanes and the delivery are locked already, by an earlier statement of the transaction. */
  readonly locked?: boolean;
  /** Null: not a drain's word. */
  readonly by: EndedBy | null;
  /** What the helpdesk has just said of its last write. */
  readonly made?: OwnWrite;
};

export type Ended = {
  /** Instances to wake after the commit; none where somebody else has ended it before. */
  readonly wake: readonly string[];
  /** Nothing waits on the lane any more; known at the transaction's end. */
  readonly isLast: boolean | Promise<boolean>;
  /** Whether it has ended by this, and if not, whether because somebody else is at it; known when `isLast` is. */
  readonly marked: Marked | Promise<Marked>;
};
export type Marked = Pick<MarkedEnded, 'ended' | 'foreign'>;

export async function endDelivery(
  tx: Tx,
  cache: VersionCache,
  context: DeliveryContext,
  ending: Ending,
): Promise<Ended> {
  const { delivery, mirror } = context;
  const to = context.to.instance;
  const other = context.from.instance;
  const wake: string[] = [];

  // Sent together; the connection keeps their order, so what the second sees is what the locks protect.
  const locking = ending.locked === true ? null : lockPlace(tx, mirror.id, delivery.id);
  const marking = {
    ...ending,
    made: ending.made ?? null,
    delivery: delivery.id,
    mirror: mirror.id,
    to,
    accepted: delivery.acceptedAt !== null,
  };
  if (isPlain(context, ending)) {
    const [{ answer }] = await Promise.all([sendGathered(tx, markEnded, marking), locking]);
    const isLast = answer.then(({ ended, waiting }) => ended && waiting === null);
    // Where it fails, the transaction does, and says so itself.
    isLast.catch(() => {});
    return { wake, isLast, marked: answer };
  }
  const [[marked]] = await Promise.all([markEnded.send(tx, [marking]), locking]);
  if (marked?.ended !== true) return { wake: [], isLast: false, marked: marked ?? { ended: false, foreign: false } };
  if (delivery.kind === 'action' && opensMirror(context)) {
    await moveOpening(tx, context, ending);
    await tx.execute(settleLane(mirror.id, to));
  }

  const receipt = delivery.kind === 'action' ? receiptOf(context, ending) : null;
  if (receipt !== null) {
    await putReceipt(tx, { mirror: mirror.id, to: other, action: context.action.id, receipt });
    wake.push(other);
  }
  if (delivery.kind === 'action') {
    const { outcome, reason } = ending;
    const way = { delivery: delivery.id, action: context.action.id, mirror: mirror.id, to, desk: context.to.name };
    wake.push(...(await tryCopies(tx, { ...way, outcome, reason, byHand: false })));
  }
  const travelsOn = ending.outcome === 'applied' && delivery.kind === 'action' && ending.alone !== true;
  if (travelsOn && ending.command !== undefined) {
    wake.push(...(await relay(tx, cache, context, to, ending.command, ending.constant)));
  }
  return { wake, isLast: marked.waiting === null, marked };
}

/**
 * The mirror, then both its lanes, then the delivery: a promise that is being made for it is committed by then, and seen by
 * the statement that ends it.
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

/** Nothing follows from it: no ticket opened, no receipt, no relay, no copy that may have to be tried. */
function isPlain(context: DeliveryContext, ending: Ending): boolean {
  const { kind } = context.delivery;
  if (kind !== 'action') return true;
  const relays = ending.outcome === 'applied' && ending.alone !== true && ending.command !== undefined;
  return !opensMirror(context) && !relays && !leavesCopies(ending) && receiptOf(context, ending) === null;
}

/** The first escalation of its mirror; later ones are refused and change nothing about it. */
function opensMirror({ delivery, mirror, action }: DeliveryContext): boolean {
  return delivery.escalation && mirror.openedBy === action.id;
}

export type Opened = {
  /** In its instance's own word; absent where the mirror says it. */
  readonly entity?: string;
  readonly ticketId: string;
  readonly number: string;
  readonly url: string;
};

/** The escalation has its ticket: what happens there from now on belongs to the mirror. */
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
  // Refused, or not sent after all: what waits behind it ends here, under the one receipt.
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
  // Another gateway asks for every outcome; a desk is told only what somebody there has to know.
  const toldAll = isRemote(from.type);
  const overtaken = hasLost(context, ending);
  if (!toldAll && !opened && ending.outcome !== 'refused' && overtaken === null) return null;
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

/** What somebody changed did not take effect, because the other side has changed it since. A machine need not hear of it. */
function hasLost(context: DeliveryContext, { reason, drops }: Ending): Reason | null {
  const { action } = context;
  // Nobody can tell any more whether it had taken effect before it was changed again.
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
