/** One request with a run of deliveries, and what becomes of each by the peer's answer. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { reason } from '#core/words/reasons.ts';
import { authDelayMs, nextTry } from '#core/words/retry.ts';
import type { Outcome, Reason } from '#core/words/vocabulary.ts';
import type { WireAnswer, WireResult } from '#core/wire.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { storeAnswer } from '#db/exchange/hand-over.ts';
import type { LanePlace } from '#db/carry/lanes.ts';
import { countTry, deferLane, type LaneKey } from '#db/carry/lanes.ts';
import { setLinkState } from '#db/links/link-life.ts';
import { clearHeld, raiseNotice } from '#db/base/notices.ts';
import { endDelivery, noteAttempt } from '#db/carry/outcome.ts';
import { sharesPeer } from '#db/links/peers.ts';
import { inTransaction } from '#db/base/transaction.ts';
import type { Carried } from '#activities/turn.ts';
import { inTrouble } from '#activities/carry/carry-trouble.ts';
import type { Turn } from '#activities/turn.ts';
import type { WorkDeps } from '#activities/deps.ts';
import type { Peer } from './peers.ts';
import type { ToRemote } from './prepare-action.ts';
import type { Semaphore } from '#activities/desk/semaphore.ts';

export type HandOverRun = ToRemote & {
  /** Display name of the peer's instance. */
  readonly name: string;
  readonly epoch: number;
  readonly putting: Semaphore;
};

export type TurnAt = {
  readonly key: LaneKey;
  readonly head: DeliveryContext;
  readonly place: LanePlace;
  readonly peer: Peer;
  readonly startedMs: number;
};

/** A request under way reaches its end although its drain is told to leave. Milliseconds. */
const requestMs = 60_000;

/** Sends as many as the peer takes at once, and stores what it answers. */
export async function post(
  run: HandOverRun,
  turn: TurnAt,
  batch: readonly DeliveryContext[],
  request: (size: number, signal: AbortSignal) => Promise<WireAnswer>,
): Promise<Turn> {
  const { deps, name } = run;
  const { head, place, startedMs } = turn;
  let size = batch.length;
  for (;;) {
    try {
      return await answered(run, turn, batch.slice(0, size), await request(size, AbortSignal.timeout(requestMs)));
    } catch (error) {
      if (!(error instanceof HelpdeskError)) throw error;
      if (error.class === 'gone' && place.ackedSeq > 0) {
        await quarantine(
          run,
          head,
          `It does not know the ticket's pair any more, of which it had seq ${place.ackedSeq}.`,
        );
        return { carried: 'rests', actions: 0 };
      }
      if (error.class !== 'refused') throw error;
      if (size === 1) {
        const why = reason('refused-by-desk', { desk: name, name: error.code, detail: error.message });
        return { carried: await end(deps, head, 'refused', why, startedMs, 0), actions: 1 };
      }
      // One of them is at fault, or they are too many: alone, each hears for itself.
      size = 1;
    }
  }
}

async function answered(
  run: HandOverRun,
  { key, place, startedMs, head }: TurnAt,
  batch: readonly DeliveryContext[],
  answer: WireAnswer,
): Promise<Turn> {
  const { deps } = run;
  const { results, accepted } = answer;
  const deferred = results.at(-1)?.status === 'deferred' ? results.at(-1) : undefined;
  if (deferred?.reason?.code === 'seq-taken') {
    await quarantine(run, head, `It has something else as seq ${deferred.seq} already.`);
    return { carried: 'rests', actions: 0 };
  }
  const of = (status: WireResult['status']): readonly { context: DeliveryContext; result: WireResult }[] =>
    batch.flatMap((context, place_) => {
      const result = results[place_];
      return result?.status === status ? [{ context, result }] : [];
    });
  const taken = [...of('accepted'), ...of('duplicate')].map(({ context }) => context);
  // An answer that only refuses says nothing of how far the lane is.
  if (accepted < place.ackedSeq && results.some(({ status }) => status !== 'refused')) {
    await quarantine(run, head, `It had seq ${place.ackedSeq} of a lane and now has only ${accepted}.`);
    return { carried: 'rests', actions: 0 };
  }
  let waits = true;
  if (taken.length > 0) {
    waits = await storeAnswer(deps.db, key, {
      taken: taken.map(({ delivery }) => ({ id: delivery.id, seq: delivery.seq })),
      accepted,
      durationMs: performance.now() - startedMs,
      outbound: outboundVersion(head),
    });
    if (taken.some(({ delivery }) => delivery.releasedAt !== null))
      await clearHeld(deps.db, head.mirror.link, key.mirror);
  }
  for (const { context, result } of of('refused')) {
    const why = result.reason ?? reason('refused-by-desk', { desk: run.name });
    const ended = await end(deps, context, 'refused', why, startedMs, outboundVersion(head));
    waits = ended !== 'ended-last';
  }
  const actions = batch.length;
  if (deferred === undefined) return { carried: waits ? 'ended' : 'ended-last', actions };
  const context = batch[results.length - 1] ?? head;
  const why = deferred.reason ?? reason('trouble', { desk: run.name });
  await countTry(deps.db, context.delivery.id, why);
  await noteAttempt(deps.db, context.delivery.id, 'retry', why, performance.now() - startedMs, null);
  await deferLane(
    deps.db,
    key,
    nextTry({
      attempt: context.delivery.attempts + 1,
      trouble: 'retry',
      random: Math.random(),
      retryAfterMs: deferred.retryAfterMs,
    }),
  );
  return { carried: 'rests', actions };
}

function outboundVersion({ mirror, delivery }: DeliveryContext): number {
  return delivery.to === mirror.supplier_instance ? mirror.customer_settings : mirror.supplier_settings;
}

export async function end(
  deps: WorkDeps,
  context: DeliveryContext,
  outcome: Extract<Outcome, 'skipped' | 'refused'>,
  why: Reason,
  startedMs: number,
  outbound: number,
): Promise<'ended' | 'ended-last'> {
  const { wake, isLast } = await inTransaction(deps.db, (tx) =>
    endDelivery(tx, deps.cache, context, {
      outcome,
      reason: why,
      drops: [],
      durationMs: performance.now() - startedMs,
      versions: { outbound, inbound: 0, catalogue: 0 },
    }),
  );
  deps.wake(wake);
  return (await isLast) ? 'ended-last' : 'ended';
}

/** What the peer remembers is not what it once said: nothing more is carried until somebody has looked. */
async function quarantine({ deps, name }: HandOverRun, { mirror }: DeliveryContext, detail: string): Promise<void> {
  const why = reason('link-quarantined', { desk: name, detail });
  const changed = await deps.db.transaction((tx) => setLinkState(tx, mirror.link, 'quarantined', why));
  if (changed) deps.log.error({ link: mirror.link }, why.text);
}

export async function trouble(
  { deps, name }: HandOverRun,
  key: LaneKey,
  head: DeliveryContext,
  error: unknown,
  startedMs: number,
): Promise<Carried> {
  const { link } = head.mirror;
  if (error instanceof HelpdeskError && error.class === 'auth' && (await sharesPeer(deps.db, link))) {
    // One link's credentials are no reason to stop the others with the same peer.
    const why = reason('auth', { desk: name, detail: error.message });
    await countTry(deps.db, head.delivery.id, why);
    await noteAttempt(deps.db, head.delivery.id, 'retry', why, performance.now() - startedMs, null);
    await raiseNotice(deps.db, { link, cause: 'peer/auth', text: `${link}: ${why.text}` });
    await deferLane(deps.db, key, authDelayMs);
    return 'rests';
  }
  const ping = async (signal: AbortSignal): Promise<void> => (await deps.peers.of(link)).client.ping(signal);
  return inTrouble({ deps, name, ping }, head, key, error, startedMs);
}
