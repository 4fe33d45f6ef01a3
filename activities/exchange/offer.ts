/**
 * Carries lanes to an API client: entries are stored where it reads them by cursor. An entry counts as received once
 * the client asks for a later cursor. Until then the delivery waits; a lane with nothing left to offer rests.
 */
import type { DueLane } from '#db/carry/claim-lanes.ts';
import { loadDirectory } from '#db/exchange/directory.ts';
import { putOffers, restOffered, unoffered, type NewOffer } from '#db/exchange/put-offers.ts';
import { outward, reason } from '#core/words/reasons.ts';
import { wireLimits, type WireReceipt } from '#core/wire.ts';
import { receiptFacts, type ReceiptFacts } from '#db/exchange/hand-over.ts';
import type { LaneKey } from '#db/carry/lanes.ts';
import { beforeHead, hold, isHeld } from '#activities/carry/before-head.ts';
import { inTrouble } from '#activities/carry/carry-trouble.ts';
import { endAs } from '#activities/carry/end.ts';
import type { Turn, Turned } from '#activities/turn.ts';
import { endStaying, prepare, type ToRemote } from './prepare-action.ts';
import { originOnWire, senderTicket } from '#core/conversation/to-wire.ts';

export type OfferRun = ToRemote & { readonly name: string; readonly epoch: number };
type OfferTurn = OfferRun & Turn;

export async function offer(run: OfferRun, lane: DueLane): Promise<Turned> {
  const { deps, instance, epoch, name } = run;
  const key: LaneKey = { mirror: lane.mirror, to: instance };
  const found = await unoffered(deps.db, key, epoch, wireLimits.actionsPerBatch);
  if (found === null) return { carried: 'lost', actions: 0 };
  const [head] = found.contexts;
  if (head === undefined) {
    await restOffered(deps.db, key, epoch, found.lastSeq);
    return { carried: 'rests', actions: 0 };
  }
  const stopped = await beforeHead(deps, head, key, epoch);
  if (stopped !== null) return { carried: stopped, actions: 0 };
  const turn: OfferTurn = { ...run, lane: key, context: head, promised: new Map(), startedMs: performance.now() };
  try {
    const facts = await receiptFacts(
      deps.db,
      found.contexts.filter(({ delivery }) => delivery.kind === 'receipt').map(({ delivery }) => delivery.id),
    );
    const offers: NewOffer[] = [];
    let after = found.sentSeq;
    for (const context of found.contexts) {
      if (isHeld(context)) break;
      const made = await offerOf({ ...turn, context }, facts, after);
      if (made === 'held' && offers.length === 0) return { carried: 'rests', actions: 0 };
      if (made === 'held') break;
      if (made === 'ended') continue;
      after = Math.max(after, context.delivery.seq);
      offers.push(made);
    }
    if (offers.length > 0 && !(await putOffers(deps.db, head.mirror.link, key, epoch, offers)))
      return { carried: 'lost', actions: 0 };
    return { carried: 'ended', actions: Math.max(offers.length, 1) };
  } catch (error) {
    // The drain was asked to leave: the next one offers it.
    if (run.signal.aborted) return { carried: 'rests', actions: 0 };
    const carried = await inTrouble(turn, { name, ping: () => Promise.resolve() }, error);
    return { carried, actions: 0 };
  }
}

async function offerOf(
  turn: OfferTurn,
  facts: ReadonlyMap<string, ReceiptFacts>,
  after: number,
): Promise<NewOffer | 'ended' | 'held'> {
  const { context, name } = turn;
  const { id, seq, kind, receipt } = context.delivery;
  const place = { seq, after: Math.min(after, seq - 1) };
  if (kind === 'receipt') {
    const fact = facts.get(id);
    if (fact === undefined || receipt === null || fact.outcome !== receipt.outcome) {
      await endAs(turn, 'skipped', reason('no-op', { desk: name }));
      return 'ended';
    }
    const told: WireReceipt = {
      ...place,
      ...fact,
      drops: [...fact.drops],
      action: context.action.said,
      origin: originOnWire(context.action, await loadDirectory(turn.deps.db, turn.deps.publicUrl ?? '')),
      reason: outward(fact.reason ?? receipt.reason),
      ticket: senderTicket(context.from),
    };
    return { delivery: id, seq, hash: null, action: null, receipt: told };
  }
  // The client reads its files from our store.
  const prepared = await prepare(turn, context, (outgoing) => Promise.resolve(outgoing));
  switch (prepared.kind) {
    case 'send':
      return { delivery: id, seq, hash: prepared.hash, action: { ...prepared.action, ...place }, receipt: null };
    case 'hold':
      await hold(turn, prepared.reason);
      return 'held';
    case 'skip':
    case 'refuse':
      await endStaying(turn, prepared.kind, prepared.reason);
      return 'ended';
  }
}
