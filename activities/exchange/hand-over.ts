/**
 * Carries lanes to another gateway: the deliveries at a lane's head go in one request, and those that the peer
 * acknowledges leave the lane. Delivery is at least once with stable ids: whatever is killed at whatever moment, the
 * peer answers `duplicate` for what it has.
 */
import { outward, reason } from '#core/words/reasons.ts';
import { wireLimits, type WireAction, type WireReceipt } from '#core/wire.ts';
import type { DueLane } from '#db/carry/claim-lanes.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { notAfterIn } from '#connectors/contract/not-after.ts';
import { loadDirectory } from '#db/exchange/directory.ts';
import { promiseSends, receiptFacts, runAtHead } from '#db/exchange/hand-over.ts';
import { settleLane, type LaneKey } from '#db/carry/lanes.ts';
import { beforeHead, hold, isHeld } from '#activities/carry/before-head.ts';
import { carriedBy, endAs } from '#activities/carry/end.ts';
import type { Carried, Turn, Turned } from '#activities/turn.ts';
import { post, requestMs, trouble, type HandOverRun, type RunTurn } from './post-run.ts';
import { endStaying, prepare, type Prepared } from './prepare-action.ts';
import { putFile, putFiles } from './put-files.ts';
import { signedAgain } from './wire-action.ts';
import { originOnWire, senderTicket } from '#core/conversation/to-wire.ts';
import { mayBeSent } from '#activities/carry/write-marker.ts';

/** Space for the rest of a body besides its actions. Bytes. */
const envelopeBytes = 1_024;
const most = wireLimits.actionsPerBatch;

/** @param fresh the lane's head and place have just been read */
export async function handOver(run: HandOverRun, lane: DueLane, fresh: boolean): Promise<Turned> {
  const { deps, instance, epoch } = run;
  const key: LaneKey = { mirror: lane.mirror, to: instance };
  const alone = fresh && lane.head !== null && lane.head.delivery.seq === lane.place.lastSeq;
  const found =
    alone && lane.head !== null
      ? { place: lane.place, contexts: [lane.head] }
      : await runAtHead(deps.db, key, epoch, most);
  if (found === null) return { carried: 'lost', actions: 0 };
  const [head] = found.contexts;
  if (head === undefined) {
    await deps.db.execute(settleLane(key.mirror, key.to));
    return { carried: 'rests', actions: 0 };
  }
  const stopped = await beforeHead(deps, head, key, epoch);
  if (stopped !== null) return { carried: stopped, actions: 0 };
  const turn = { ...run, lane: key, context: head, promised: new Map(), startedMs: performance.now() };
  try {
    const peer = await deps.peers.of(head.mirror.link);
    const carry = head.delivery.kind === 'receipt' ? tell : send;
    return await carry({ ...turn, place: found.place, peer }, sameSort(found.contexts));
  } catch (error) {
    // The drain was asked to leave: the next one sends it again.
    if (run.signal.aborted) return { carried: 'rests', actions: 0 };
    return { carried: await trouble(turn, error), actions: 0 };
  }
}

/** `hash` is null if it was promised before. */
type Ready = { readonly context: DeliveryContext; readonly action: WireAction; readonly hash: string | null };
type ReadyOrNot = ({ readonly kind: 'send' } & Omit<Ready, 'context'>) | Exclude<Prepared, { kind: 'send' }>;

/**
 * Takes the deliveries after the head as long as they are of the same type and not held; one that opens a ticket is
 * sent alone.
 */
function sameSort(contexts: readonly DeliveryContext[]): readonly DeliveryContext[] {
  const [head] = contexts;
  if (head === undefined || opens(head)) return contexts.slice(0, 1);
  const isReceipt = head.delivery.kind === 'receipt';
  const end = contexts.findIndex((one) => (one.delivery.kind === 'receipt') !== isReceipt || isHeld(one) || opens(one));
  return end < 0 ? contexts : contexts.slice(0, end);
}

function opens({ delivery, mirror, action }: DeliveryContext): boolean {
  return delivery.escalation && delivery.kind !== 'receipt' && mirror.openedBy === action.id;
}

async function send(turn: RunTurn, contexts: readonly DeliveryContext[]): Promise<Turned> {
  const { deps, instance, epoch, place, peer } = turn;
  const ready: Ready[] = [];
  let bytes = envelopeBytes;
  let after = place.sentSeq;
  for (const context of contexts) {
    const prepared = await prepareOne(turn, context, ready.length === 0);
    if (prepared === null) break;
    if (prepared.kind !== 'send') {
      // What precedes it is sent first.
      if (ready.length > 0) break;
      return { carried: await stays({ ...turn, context }, prepared), actions: 1 };
    }
    const { seq } = context.delivery;
    const action: WireAction = {
      ...prepared.action,
      seq,
      after: Math.min(after, seq - 1),
      ticket: senderTicket(context.from) ?? prepared.action.ticket,
      late: context.delivery.releasedAt !== null,
      again: mayBeSent(context),
    };
    bytes += Buffer.byteLength(JSON.stringify(action)) + 1;
    if (ready.length > 0 && bytes > (peer.limits?.bodyBytes ?? wireLimits.bodyBytes)) break;
    after = Math.max(after, seq);
    ready.push({ action, hash: prepared.hash, context });
  }
  const notAfter = notAfterIn(requestMs);
  const sends = ready.map(({ context, action, hash }) => ({
    id: context.delivery.id,
    ...(hash === null ? {} : { said: { action, hash } }),
  }));
  const waiting = await promiseSends(deps.db, { instance, epoch, sends });
  if (waiting === null) return { carried: 'lost', actions: 0 };
  // Somebody ended one of them by hand in the meantime.
  const batch = ready.filter(({ context }) => waiting.has(context.delivery.id));
  if (batch.length === 0) return { carried: 'ended', actions: 0 };
  return post(
    turn,
    batch.map(({ context }) => context),
    notAfter,
    (size, within) => {
      const actions = batch.slice(0, size).map(({ action }) => action);
      const [only] = actions;
      return opens(turn.context) && only !== undefined
        ? peer.client.escalate(only, within)
        : peer.client.actions(turn.context.to.side, turn.context.mirror.said, actions, within);
    },
  );
}

/** Prepares one action. Null: it failed, and what precedes it is sent first. A failure of the head itself is thrown. */
async function prepareOne(turn: RunTurn, context: DeliveryContext, isHead: boolean): Promise<ReadyOrNot | null> {
  const { deps, peer, putting, signal } = turn;
  try {
    const { sent } = context.delivery;
    if (sent === null)
      return await prepare(turn, context, (outgoing) => putFiles(deps, peer, putting, outgoing, signal));
    for (const file of sent.constant.attachments) await putFile(deps, peer, putting, file, signal);
    return { kind: 'send', action: await signedAgain(deps, sent), hash: null };
  } catch (error) {
    if (isHead) throw error;
    return null;
  }
}

/** Ends or holds a delivery that does not leave. */
async function stays(turn: Turn, why: Exclude<Prepared, { kind: 'send' }>): Promise<Carried> {
  if (why.kind === 'hold') {
    return hold(turn, why.reason);
  }
  return carriedBy(await endStaying(turn, why.kind, why.reason));
}

async function tell(turn: RunTurn, contexts: readonly DeliveryContext[]): Promise<Turned> {
  const { deps, instance, epoch, place, peer } = turn;
  const [facts, directory] = await Promise.all([
    receiptFacts(
      deps.db,
      contexts.map(({ delivery }) => delivery.id),
    ),
    loadDirectory(deps.db, deps.publicUrl ?? ''),
  ]);
  const receipts: WireReceipt[] = [];
  const batch: DeliveryContext[] = [];
  let after = place.sentSeq;
  for (const context of contexts) {
    const { id, seq, receipt } = context.delivery;
    const fact = facts.get(id);
    // News about the ticket itself: a peer receives receipts for actions only, and learns of it with the next one.
    if (fact === undefined || fact.outcome !== receipt?.outcome) {
      if (batch.length > 0) break;
      const why = reason('no-op', { desk: turn.name });
      return { carried: carriedBy(await endAs({ ...turn, context }, 'skipped', why)), actions: 1 };
    }
    const { outcome, drops, acceptedAt, endedAt, attempts } = fact;
    receipts.push({
      seq,
      after: Math.min(after, seq - 1),
      action: context.action.said,
      origin: originOnWire(context.action, directory),
      outcome,
      reason: outward(fact.reason ?? receipt.reason),
      drops: drops.slice(0, 100),
      ticket: senderTicket(context.from),
      acceptedAt,
      endedAt,
      attempts,
    });
    after = Math.max(after, seq);
    batch.push(context);
  }
  const { to, mirror } = turn.context;
  const notAfter = notAfterIn(requestMs);
  const sends = batch.map(({ delivery }) => ({ id: delivery.id }));
  if ((await promiseSends(deps.db, { instance, epoch, sends })) === null) return { carried: 'lost', actions: 0 };
  return post(turn, batch, notAfter, (size, within) =>
    peer.client.receipts(to.side, mirror.said, receipts.slice(0, size), within),
  );
}
