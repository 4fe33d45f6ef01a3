/**
 * Carries lanes to an in-house tool without a gateway: what it can read is put where it reads by cursor. It has an action
 * once it has read on behind it; until then the delivery waits, and its lane with nothing left to offer rests.
 */
import type { DueLane } from '#db/carry/claim-lanes.ts';
import { putOffers, restOffered, unoffered, type NewOffer } from '#db/exchange/put-offers.ts';
import { reason } from '#core/words/reasons.ts';
import type { Outcome, Reason } from '#core/words/vocabulary.ts';
import { wireLimits, type WireReceipt } from '#core/wire.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { receiptFacts, type ReceiptFacts } from '#db/exchange/hand-over.ts';
import type { LaneKey } from '#db/carry/lanes.ts';
import { endDelivery } from '#db/carry/outcome.ts';
import { inTransaction } from '#db/base/transaction.ts';
import { beforeHead, hold, isHeld } from '#activities/carry/before-head.ts';
import { inTrouble } from '#activities/carry/carry-trouble.ts';
import type { Turn } from '#activities/turn.ts';
import { prepare, type ToRemote } from './prepare-action.ts';
import { senderTicket } from './wire-action.ts';

export type OfferRun = ToRemote & { readonly name: string; readonly epoch: number };

export async function offer(run: OfferRun, lane: DueLane): Promise<Turn> {
  const { deps, instance, epoch, name } = run;
  const key: LaneKey = { mirror: lane.mirror, to: instance };
  const found = await unoffered(deps.db, key, epoch, wireLimits.actionsPerBatch);
  if (found === null) return { carried: 'lost', actions: 0 };
  const [head] = found.contexts;
  if (head === undefined) {
    await restOffered(deps.db, key, found.lastSeq);
    return { carried: 'rests', actions: 0 };
  }
  const stopped = await beforeHead(deps, head, key);
  if (stopped !== null) return { carried: stopped, actions: 0 };
  const startedMs = performance.now();
  try {
    const facts = await receiptFacts(
      deps.db,
      found.contexts.filter(({ delivery }) => delivery.kind === 'receipt').map(({ delivery }) => delivery.id),
    );
    const offers: NewOffer[] = [];
    let after = found.sentSeq;
    for (const context of found.contexts) {
      if (isHeld(context)) break;
      const made = await offerOf(run, context, facts, after, startedMs);
      if (made === 'held' && offers.length === 0) return { carried: 'rests', actions: 0 };
      if (made === 'held') break;
      if (made === 'ended') continue;
      after = Math.max(after, context.delivery.seq);
      offers.push(made);
    }
    if (offers.length > 0) await putOffers(deps.db, head.mirror.link, key, offers);
    return { carried: 'ended', actions: Math.max(offers.length, 1) };
  } catch (error) {
    // The drain is told to leave: whoever comes next offers it.
    if (run.signal.aborted) return { carried: 'rests', actions: 0 };
    const carried = await inTrouble({ deps, name, ping: () => Promise.resolve() }, head, key, error, startedMs);
    return { carried, actions: 0 };
  }
}

async function offerOf(
  run: OfferRun,
  context: DeliveryContext,
  facts: ReadonlyMap<string, ReceiptFacts>,
  after: number,
  startedMs: number,
): Promise<NewOffer | 'ended' | 'held'> {
  const { deps, instance } = run;
  const { id, seq, kind, receipt } = context.delivery;
  const place = { seq, after: Math.min(after, seq - 1) };
  if (kind === 'receipt') {
    const fact = facts.get(id);
    if (fact === undefined || receipt === null || fact.outcome !== receipt.outcome) {
      return end(run, context, 'skipped', reason('no-op', { desk: run.name }), startedMs);
    }
    const told: WireReceipt = {
      ...place,
      ...fact,
      drops: [...fact.drops],
      action: context.action.id,
      reason: fact.reason ?? receipt.reason,
      ticket: senderTicket(context),
    };
    return { delivery: id, seq, hash: null, action: null, receipt: told };
  }
  // Its files are read from our store.
  const prepared = await prepare(run, context, (outgoing) => Promise.resolve(outgoing));
  switch (prepared.kind) {
    case 'send':
      return { delivery: id, seq, hash: prepared.hash, action: { ...prepared.action, ...place }, receipt: null };
    case 'hold':
      await hold(deps, context, { mirror: context.mirror.id, to: instance }, prepared.reason, startedMs);
      return 'held';
    case 'skip':
    case 'refuse':
      return end(run, context, prepared.kind === 'skip' ? 'skipped' : 'refused', prepared.reason, startedMs);
  }
}

async function end(
  { deps }: OfferRun,
  context: DeliveryContext,
  outcome: Extract<Outcome, 'skipped' | 'refused'>,
  why: Reason,
  startedMs: number,
): Promise<'ended'> {
  const { wake } = await inTransaction(deps.db, (tx) =>
    endDelivery(tx, deps.cache, context, {
      outcome,
      reason: why,
      drops: [],
      durationMs: performance.now() - startedMs,
      versions: { outbound: 0, inbound: 0, catalogue: 0 },
    }),
  );
  deps.wake(wake);
  return 'ended';
}
