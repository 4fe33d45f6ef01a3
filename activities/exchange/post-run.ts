/** Sends several deliveries in one request and stores the result of each from the peer's answer. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { reason } from '#core/words/reasons.ts';
import { authDelayMs, nextTry } from '#core/words/retry.ts';
import type { WireAnswer, WireResult } from '#core/wire.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import { storeAnswer } from '#db/exchange/hand-over.ts';
import { countTry, deferLane, noteWhy, type LanePlace } from '#db/carry/lanes.ts';
import { setLinkState } from '#db/links/link-life.ts';
import { clearHeld, raiseNotice } from '#db/base/notices.ts';
import { noteAttempt } from '#db/carry/outcome.ts';
import { sharesPeer } from '#db/links/peers.ts';
import { report } from '#activities/report.ts';
import { inTrouble } from '#activities/carry/carry-trouble.ts';
import { carriedBy, endAs } from '#activities/carry/end.ts';
import { ignored } from '#activities/carry/ignored.ts';
import type { NotAfter } from '#connectors/contract/not-after.ts';
import type { Within } from '#protocols/ferry/client.ts';
import type { Carried, Turn, Turned } from '#activities/turn.ts';
import type { Peer } from './peers.ts';
import type { ToRemote } from './prepare-action.ts';
import type { Semaphore } from '#activities/desk/semaphore.ts';

export type HandOverRun = ToRemote & {
  /** Display name of the peer's instance. */
  readonly name: string;
  readonly epoch: number;
  readonly putting: Semaphore;
};

/** The turn of the delivery at the lane's head, where the run starts. */
export type RunTurn = HandOverRun &
  Turn & {
    readonly place: LanePlace;
    readonly peer: Peer;
  };

/** A running request may finish although its drain was asked to leave; it takes at most this long. Milliseconds. */
export const requestMs = 60_000;
/** A link that is suspended at the peer is tried again after this long. Milliseconds. */
const restingMs = 60_000;

/** Sends as many as the peer accepts at once, and stores its answer. */
export async function post(
  turn: RunTurn,
  batch: readonly DeliveryContext[],
  notAfter: NotAfter,
  request: (size: number, within: Within) => Promise<WireAnswer>,
): Promise<Turned> {
  const { name, place } = turn;
  let size = batch.length;
  for (;;) {
    try {
      const within = { notAfter, signal: AbortSignal.timeout(Math.max(Math.ceil(notAfter.leftMs()), 1)) };
      return await answered(turn, batch.slice(0, size), await request(size, within));
    } catch (error) {
      if (!(error instanceof HelpdeskError)) throw error;
      if (error.class === 'gone' && place.ackedSeq > 0) {
        await quarantine(turn, `It no longer knows the mirror, although it had accepted seq ${place.ackedSeq} of it.`);
        return { carried: 'rests', actions: 0 };
      }
      if (error.class !== 'refused') throw error;
      if (size === 1) {
        const why = reason('refused-by-desk', { desk: name, name: error.code, detail: error.message });
        return {
          carried: carriedBy(await endAs(turn, 'refused', why, { versions: { outbound: turn.context.from.settings } })),
          actions: 1,
        };
      }
      // Either one of them is at fault or there are too many: sent alone, each gets its own answer.
      size = 1;
    }
  }
}

async function answered(turn: RunTurn, batch: readonly DeliveryContext[], answer: WireAnswer): Promise<Turned> {
  const { deps, lane, place, startedMs, context: head } = turn;
  const { results, accepted } = answer;
  const deferred = results.at(-1)?.status === 'deferred' ? results.at(-1) : undefined;
  if (deferred?.reason?.code === 'seq-taken') {
    await quarantine(turn, `It already has something else as seq ${deferred.seq}.`);
    return { carried: 'rests', actions: 0 };
  }
  const of = (status: WireResult['status']): readonly { context: DeliveryContext; result: WireResult }[] =>
    batch.flatMap((context, place_) => {
      const result = results[place_];
      return result?.status === status ? [{ context, result }] : [];
    });
  const taken = [...of('accepted'), ...of('duplicate')].map(({ context }) => context);
  // An answer with refusals only says nothing about the lane's progress.
  if (accepted < place.ackedSeq && results.some(({ status }) => status !== 'refused')) {
    await quarantine(turn, `It had seq ${place.ackedSeq} of a lane and now has only ${accepted}.`);
    return { carried: 'rests', actions: 0 };
  }
  let waits = true;
  if (taken.length > 0) {
    waits = await storeAnswer(deps.db, lane, {
      taken: taken.map(({ delivery }) => ({ id: delivery.id, seq: delivery.seq })),
      accepted,
      durationMs: performance.now() - startedMs,
      versions: { outbound: head.from.settings },
    });
    for (const { context } of [...of('accepted'), ...of('duplicate')]) report({ ...turn, context }, 'accepted', null);
    if (taken.some(({ delivery }) => delivery.releasedAt !== null))
      await clearHeld(deps.db, head.mirror.link, head.mirror.id);
  }
  for (const { context, result } of of('refused')) {
    const why = result.reason ?? reason('refused-by-desk', { desk: turn.name });
    const ended = await endAs({ ...turn, context }, 'refused', why, {
      versions: { outbound: context.from.settings },
    });
    if (ended.kind === 'lost') return { carried: 'lost', actions: 0 };
    waits = !ended.isLast;
  }
  const actions = batch.length;
  if (deferred === undefined) return { carried: waits ? 'ended' : 'ended-last', actions };
  const context = batch[results.length - 1] ?? head;
  const why = deferred.reason ?? reason('trouble', { desk: turn.name });
  if (!(await countTry(deps.db, context.delivery.id, lane, turn.epoch, why))) return overtaken(turn);
  await noteAttempt(deps.db, context.delivery.id, 'retry', why, performance.now() - startedMs, null);
  report({ ...turn, context }, 'retry', why);
  await deferLane(
    deps.db,
    lane,
    turn.epoch,
    nextTry({
      attempt: context.delivery.attempts + 1,
      trouble: 'retry',
      random: Math.random(),
      retryAfterMs: deferred.retryAfterMs,
    }),
  );
  return { carried: 'rests', actions };
}

/**
 * Quarantines the link: what the peer remembers contradicts what it once acknowledged, so nothing more is carried until
 * somebody has looked.
 */
async function quarantine({ deps, name, context: { mirror } }: RunTurn, detail: string): Promise<void> {
  const why = reason('link-quarantined', { desk: name, detail });
  const changed = await deps.db.transaction((tx) => setLinkState(tx, mirror.link, 'quarantined', why));
  if (changed) deps.log.error({ link: mirror.link }, why.text);
}

function overtaken(turn: Turn): Turned & { readonly carried: 'lost' } {
  ignored(turn, 'retry');
  return { carried: 'lost', actions: 0 };
}

export async function trouble(turn: HandOverRun & Turn, error: unknown): Promise<Carried> {
  const { deps, name, lane, context, startedMs } = turn;
  const { link } = context.mirror;
  if (error instanceof HelpdeskError && (error.code === 'link-suspended' || error.code === 'link-quarantined')) {
    // It waits for somebody at the other side; that counts neither against its own time nor against other links with
    // that peer.
    const why = reason(error.code, { desk: name });
    if (!(await noteWhy(deps.db, context.delivery.id, lane, turn.epoch, why))) return overtaken(turn).carried;
    await noteAttempt(deps.db, context.delivery.id, 'retry', why, performance.now() - startedMs, null);
    report(turn, 'retry', why);
    await deferLane(deps.db, lane, turn.epoch, restingMs);
    return 'rests';
  }
  if (error instanceof HelpdeskError && error.class === 'auth' && (await sharesPeer(deps.db, link))) {
    // Bad credentials of one link are no reason to stop the others with the same peer.
    const why = reason('auth', { desk: name, detail: error.message });
    if (!(await countTry(deps.db, context.delivery.id, lane, turn.epoch, why))) return overtaken(turn).carried;
    await noteAttempt(deps.db, context.delivery.id, 'retry', why, performance.now() - startedMs, null);
    report(turn, 'retry', why);
    await raiseNotice(deps.db, { link, cause: 'peer/auth', text: `${link}: ${why.text}` });
    await deferLane(deps.db, lane, turn.epoch, authDelayMs);
    return 'rests';
  }
  if (error instanceof HelpdeskError && error.class === 'slow-down' && (await sharesPeer(deps.db, link))) {
    // Each link has its own limits: one that has used them up is no reason to stop the others with the same peer.
    const why = reason('trouble', { desk: name, detail: error.message });
    if (!(await noteWhy(deps.db, context.delivery.id, lane, turn.epoch, why))) return overtaken(turn).carried;
    await noteAttempt(deps.db, context.delivery.id, 'retry', why, performance.now() - startedMs, null);
    report(turn, 'retry', why);
    const { retryAfterMs } = error;
    await deferLane(
      deps.db,
      lane,
      turn.epoch,
      nextTry({ attempt: context.delivery.attempts + 1, trouble: 'slow-down', random: Math.random(), retryAfterMs }),
    );
    return 'rests';
  }
  const ping = async (signal: AbortSignal): Promise<void> => (await deps.peers.of(link)).client.ping(signal);
  return inTrouble(turn, { name, ping }, error);
}
