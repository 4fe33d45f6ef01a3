/** Asks core what to do with the head of a lane: what may leave, and what the receiving desk does with it. */
import { refAt } from '#core/words/ref.ts';
import { reason } from '#core/words/reasons.ts';
import { receiptCommand } from '#core/conversation/receipt.ts';
import { changesAnything, type Change } from '#core/conversation/meet.ts';
import { hasContent } from '#core/conversation/send.ts';
import type { Outbound } from '#core/rules/settings.ts';
import type { ConstantPart, Ref, TicketSnapshot, Verdict } from '#core/words/vocabulary.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { knownChanges } from '#db/log/changes.ts';
import { isReadSince, lastSnapshot } from '#db/log/ticket-life.ts';
import { observe } from '#activities/watch/observe.ts';
import { changesHere } from './changes-here.ts';
import { viewOf } from '#db/log/mirrors.ts';
import { alreadyNotified } from '#db/log/receipts.ts';
import type { Versions } from '#db/carry/writes.ts';
import type { WorkDeps } from '#activities/deps.ts';
import type { Stage } from './stage.ts';
import { leaveDeps, outgoingAction, type LeaveDeps } from './what-leaves.ts';

export type Decided = {
  readonly verdict: Verdict;
  readonly versions: Versions;
  /** The constant part for relays, if it left the other desk in another form than it was logged. */
  readonly constant?: ConstantPart;
};

/** A preview gives others than the carrier, so that nothing is kept and no desk is asked. */
export type DecideDeps = LeaveDeps & {
  /** Reads a ticket again, and logs what is new there. */
  readonly look: (ticket: Ref, signal: AbortSignal) => Promise<void>;
};

export function decideDeps(deps: WorkDeps, stage: Stage): DecideDeps {
  return { ...leaveDeps(deps, stage), look: (ticket, signal) => observe(deps, ticket, signal) };
}

/** Throws HelpdeskError if a file cannot be fetched at the moment. */
export async function decideHead(
  deps: DecideDeps,
  context: DeliveryContext,
  signal: AbortSignal,
  /** `asThen`: decide as if nothing had happened at the receiving desk since the action was recorded. */
  { asThen = false }: { readonly asThen?: boolean } = {},
): Promise<Decided> {
  const { mirror, delivery, from, to } = context;
  const versions = { outbound: from.settings, inbound: to.settings, catalogue: to.catalogue };
  if (delivery.kind === 'receipt') return { verdict: await decideReceipt(deps, context), versions };

  const [sender, receiver, catalogue] = await Promise.all([
    deps.cache.side(deps.db, `${mirror.link}/${from.side}`, from.settings),
    deps.cache.side(deps.db, `${mirror.link}/${to.side}`, to.settings),
    deps.cache.catalogue(deps.db, to.instance, to.catalogue),
  ]);
  const leaving = await outgoingAction(deps, context, sender, signal);
  if (leaving.kind !== 'send') return { verdict: leaving, versions };
  const { outgoing } = leaving;
  const judge = async (snapshot: TicketSnapshot | null): Promise<Verdict> => {
    const decide = (changes: readonly Change[]): Promise<Verdict> =>
      deps.texts.decide({
        outgoing,
        escalation: delivery.escalation,
        mirror: viewOf(mirror, to.side),
        inbound: receiver.inbound,
        account: receiver.account,
        catalogue,
        // For a bare change the ticket's state at that time is unknown, so every value counts as a change.
        snapshot: asThen && !hasContent(outgoing.action) ? null : snapshot,
        changes,
        takenIn: context.action.loggedAt,
        senderName: from.name,
        now: asThen ? context.action.at : context.now,
        linkMode: mirror.shadow ? 'shadow' : mirror.mode,
        ...(delivery.releasedAt === null ? {} : { releasedLate: { writtenAt: context.action.at } }),
        quiet: delivery.quiet,
      });
    if (asThen) return decide([]);
    const alone = changesAnything(outgoing.action.words) ? null : await decide([]);
    // Most notes change nothing else here, so no change can have met them and the log need not be asked.
    if (alone?.kind === 'apply' && alone.meant === undefined) return alone;
    const changes = await changesMet(deps, context, receiver.outbound);
    return alone !== null && changes.length === 0 ? alone : decide(changes);
  };
  let verdict = await judge(to.snapshot);
  if (!asThen && to.ticketId !== null && verdict.kind === 'skip' && verdict.reason.code === 'no-op') {
    const ref = refAt(to, to.ticketId);
    // Somebody may have changed the ticket before the action was logged, in a change that we have not read yet.
    if (!(await isReadSince(deps.db, ref, context.action.loggedAt))) await deps.look(ref, signal);
    verdict = await judge(await lastSnapshot(deps.db, ref));
  }
  return { verdict, versions, ...(leaving.constant === undefined ? {} : { constant: leaving.constant }) };
}

/** Finds the changes that the action meets at its destination ticket. */
async function changesMet(
  deps: Pick<DecideDeps, 'db'>,
  context: DeliveryContext,
  outbound: Outbound,
): Promise<readonly Change[]> {
  const { ticketId } = context.to;
  if (ticketId === null || context.delivery.escalation) return [];
  const { changes } = await knownChanges(deps.db, refAt(context.to, ticketId), [context.mirror.id]);
  return changesHere(context, changes, outbound).shared;
}

async function decideReceipt(deps: Pick<DecideDeps, 'db'>, context: DeliveryContext): Promise<Verdict> {
  const { delivery, to, now } = context;
  const { ticketId, side } = to;
  if (delivery.receipt === null || ticketId === null)
    return { kind: 'skip', reason: reason('no-op', { desk: to.instance }) };
  const command = receiptCommand({
    receipt: delivery.receipt,
    ticketId,
    side,
    suppliers: to.snapshot?.references?.suppliers ?? [],
    language: 'en',
    now,
  });
  if (command === null) return { kind: 'skip', reason: reason('no-op', { desk: to.instance }) };
  if (await alreadyNotified(deps.db, delivery.id)) return { kind: 'skip', reason: reason('already-told') };
  return { kind: 'apply', command, drops: [] };
}
