/** Asks core what is to become of the head of a lane: what may leave, what the receiving desk makes of it. */
import { refAt } from '#core/words/ref.ts';
import { reason } from '#core/words/reasons.ts';
import { receiptCommand } from '#core/conversation/receipt.ts';
import { changesAnything, type Change } from '#core/conversation/meet.ts';
import { hasContent } from '#core/conversation/send.ts';
import type { Outbound } from '#core/rules/settings.ts';
import type { ConstantPart, TicketSnapshot, Verdict } from '#core/words/vocabulary.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { knownChanges } from '#db/log/changes.ts';
import { isReadSince, lastSnapshot } from '#db/log/ticket-life.ts';
import { observe } from '#activities/watch/observe.ts';
import { changesHere } from './changes-here.ts';
import { viewOf } from '#db/log/mirrors.ts';
import { alreadyNotified } from '#db/log/receipts.ts';
import type { Versions } from '#db/carry/writes.ts';
import type { CarryDeps, LeaveDeps } from './deps.ts';
import type { Stage } from './stage.ts';
import { whatLeaves } from './what-leaves.ts';

export type Decided = {
  readonly verdict: Verdict;
  readonly versions: Versions;
  /** What a relay takes along, where it left the other desk otherwise than it was logged. */
  readonly constant?: ConstantPart;
};

/** Throws HelpdeskError where a file could not be fetched for now. */
export async function decideHead(
  deps: CarryDeps,
  stage: Stage,
  context: DeliveryContext,
  signal: AbortSignal,
  /** `asThen`: as if nothing had happened at the receiving desk since it was recorded. */
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
  const leaving = await whatLeaves(deps, stage, context, sender, signal);
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
        // Of a bare change it is not known what the ticket was then; so it is what all of it would have been.
        snapshot: asThen && !hasContent(outgoing.action) ? null : snapshot,
        changes,
        takenIn: context.action.loggedAt,
        senderName: from.name,
        now: asThen ? context.action.at : context.now,
        linkMode: mirror.shadow ? 'shadow' : mirror.mode,
        ...(delivery.releasedAt === null ? {} : { releasedLate: { writtenAt: context.action.at } }),
      });
    if (asThen) return decide([]);
    const alone = changesAnything(outgoing.action.words) ? null : await decide([]);
    // Most notes change nothing else here, and then nothing can have met them: the log is not asked.
    if (alone?.kind === 'apply' && alone.meant === undefined) return alone;
    const changes = await changesMet(deps, context, receiver.outbound);
    return alone !== null && changes.length === 0 ? alone : decide(changes);
  };
  let verdict = await judge(to.snapshot);
  if (!asThen && to.ticketId !== null && verdict.kind === 'skip' && verdict.reason.code === 'no-op') {
    const ref = refAt(to, to.ticketId);
    // Somebody may have changed it before the action was taken in and unread by us, and then it is not so.
    if (!(await isReadSince(deps.db, ref, context.action.loggedAt))) await observe(deps, ref, signal);
    verdict = await judge(await lastSnapshot(deps.db, ref));
  }
  return { verdict, versions, ...(leaving.constant === undefined ? {} : { constant: leaving.constant }) };
}

/** What its change meets at the ticket that it travels to. */
async function changesMet(
  deps: Pick<LeaveDeps, 'db'>,
  context: DeliveryContext,
  outbound: Outbound,
): Promise<readonly Change[]> {
  const { ticketId } = context.to;
  if (ticketId === null || context.delivery.escalation) return [];
  const { changes } = await knownChanges(deps.db, refAt(context.to, ticketId), [context.mirror.id]);
  return changesHere(context, changes, outbound).shared;
}

async function decideReceipt(deps: Pick<LeaveDeps, 'db'>, context: DeliveryContext): Promise<Verdict> {
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
