/** Reads what is new: tickets named by hints, and feeds that are due. Several watchers share the work. */
import { setTimeout } from 'node:timers/promises';
import { askLiveFrom } from '#connectors/contract/go-live.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { ticketEntity } from '#core/words/ref.ts';
import { authDelayMs, downCapMs, nextTry } from '#core/words/retry.ts';
import { claimHints, putOffAgain, readAfterAll, scheduleHint, type ClaimedHint } from '#db/log/claim-hints.ts';
import type { Hint } from '#db/log/hint.ts';
import { claimFeeds, feedFailed, moveFeed, pollNow, startFeed, type DueFeed } from '#db/log/feeds.ts';
import { DeskRestored } from '#db/log/desk-restored.ts';
import { readFromMany } from '#db/log/log-reading.ts';
import { isOtherDesk } from '#activities/desk/which-desk.ts';
import { isTicketsOwn, noteUnreadable, unreadableMs } from './unreadable.ts';
import type { WatchResult } from '#workflows/contract.ts';
import type { ActivityRun, WorkDeps } from '#activities/deps.ts';
import { noteContact, noteFailedLook, noteRestored } from './contact.ts';
import { observe } from './observe.ts';
import { refreshCatalogue } from './refresh-catalogue.ts';
import { createSemaphore, type Semaphore } from '#activities/desk/semaphore.ts';

/** Hints claimed at a time; one lost with its process is recovered by the next poll. */
const hintsAtOnce = 64;
/** Helpdesk connectors read tickets. Hints and feeds for other entities wait for a reader of those. */
export const entitiesRead = [ticketEntity];
const feedsAtOnce = 16;
const feedPage = 200;
const lookEveryMs = 1_000;
/** How often to record that an instance answers, at most. Milliseconds. */
const signEveryMs = 5_000;
/** A request to a feed takes at most this long. Milliseconds. */
const feedTimeoutMs = 60_000;

export type Watch = (run: ActivityRun) => Promise<WatchResult>;

export function createWatch(deps: WorkDeps): Watch {
  // Shared by all watchers of this process, so that an instance gets no more requests than it allows.
  const places = new Map<string, Semaphore>();
  const signs = signsOfLife(deps);
  return (run) => watch(deps, places, signs, run);
}

/**
 * Called when an instance has just answered. One that was down, or refused us, is polled at once for everything that
 * waits.
 */
type SignsOfLife = (hint: Hint) => Promise<void>;

function signsOfLife(deps: WorkDeps): SignsOfLife {
  const noted = new Map<string, number>();
  return async ({ instance, entity }) => {
    const now = performance.now();
    if (now - (noted.get(instance) ?? Number.NEGATIVE_INFINITY) < signEveryMs) return;
    noted.set(instance, now);
    if (await noteContact(deps, instance, null)) await pollNow(deps.db, { instance, entity });
  };
}

async function watch(
  deps: WorkDeps,
  places: Map<string, Semaphore>,
  signs: SignsOfLife,
  { signal, heartbeat }: ActivityRun,
): Promise<WatchResult> {
  const endsAt = performance.now() + deps.limits.drainMs;
  const reading = new Set<Promise<void>>();
  const start = (work: Promise<void>, mayLeaveMore: boolean): void => {
    const tracked = work
      .catch((error: unknown) => {
        if (!signal.aborted) deps.log.error({ err: error }, 'a read failed unexpectedly');
      })
      .finally(() => {
        // Ring only if work had to wait for a place, or if this work may have brought more.
        if (mayLeaveMore || reading.size >= hintsAtOnce) deps.bells.hints.ring();
        reading.delete(tracked);
      });
    reading.add(tracked);
  };
  while (!signal.aborted && performance.now() < endsAt) {
    // Also without room: an answer from the database is what proves that this watcher is alive.
    const room = Math.max(hintsAtOnce - reading.size, 0);
    const { hints, nextHintMs, nextPollMs } = await claimHints(deps.db, entitiesRead, room);
    heartbeat();
    for (const hint of hints) start(followHint(deps, places, signs, hint, signal), hint.externalId === '');
    if (room === 0) {
      await deps.bells.hints.wait(lookEveryMs, signal);
      continue;
    }
    if (nextPollMs !== null && nextPollMs <= 0) {
      const feeds = await claimFeeds(deps.db, entitiesRead, feedsAtOnce, deps.limits.pollMs);
      for (const feed of feeds) start(poll(deps, places, feed, signal), true);
      if (feeds.length === feedsAtOnce) continue;
    }
    if (hints.length === room) continue;
    const nextMs = Math.min(lookEveryMs, nextHintMs ?? lookEveryMs, nextPollMs || lookEveryMs);
    await deps.bells.hints.wait(Math.max(nextMs, 5), signal);
  }
  // Every running read ends by itself; until then this watcher is alive as long as the database answers.
  while (reading.size > 0) {
    await Promise.race([Promise.allSettled(reading), setTimeout(lookEveryMs)]);
    if (reading.size === 0 || signal.aborted) break;
    await claimHints(deps.db, entitiesRead, 0);
    heartbeat();
  }
  await Promise.allSettled(reading);
  return { more: true };
}

async function followHint(
  deps: WorkDeps,
  places: Map<string, Semaphore>,
  signs: SignsOfLife,
  hint: ClaimedHint,
  signal: AbortSignal,
): Promise<void> {
  const { instance } = hint;
  if (hint.externalId === '') {
    await pollNow(deps.db, hint);
    return;
  }
  try {
    await inPlace(deps, places, instance, signal, () => observe(deps, hint, signal, hint.from));
    await signs(hint);
    if (hint.times !== undefined) await readAfterAll(deps.db, hint, hint.times);
  } catch (error) {
    if (error instanceof DeskRestored) return noteRestored(deps, error);
    // The feed's cursor has not passed what this hint was about, so the next poll reads it; a deferred ticket waits.
    if (!(error instanceof HelpdeskError)) throw error;
    // A refusal for one ticket says nothing about the desk.
    if (signal.aborted) return;
    const { helpdesk } = await deps.desks.of(instance);
    // A desk that refuses our credentials is not asked again.
    if (error.class !== 'auth' && (await isTicketsOwn(helpdesk, error, signal))) {
      if (hint.times === undefined) return;
      await putOffAgain(deps.db, hint, unreadableMs(hint.times));
      noteUnreadable(deps, hint, error);
    } else if (error.class === 'auth' || error.class === 'retry' || error.class === 'in-doubt')
      await noteContact(deps, instance, error);
  }
}

async function poll(deps: WorkDeps, places: Map<string, Semaphore>, feed: DueFeed, signal: AbortSignal): Promise<void> {
  const { instance, entity, cursor, failures } = feed;
  try {
    const desk = await deps.desks.of(instance);
    const { helpdesk } = desk;
    const within = AbortSignal.any([signal, AbortSignal.timeout(feedTimeoutMs)]);
    if (cursor === null) {
      const first = await askLiveFrom(helpdesk, within);
      await startFeed(deps.db, feed, first, desk.clock?.offsetMs() ?? null);
    } else {
      const page = await helpdesk.feed(cursor, feedPage, within);
      if (page.wentBack === true) throw new DeskRestored({ instance });
      // Every ticket is logged before the cursor moves on: after a kill in between, the page is read again.
      const since = await readFromMany(deps.db, instance, entity, page.tickets);
      // Half of the places stay free for hints, which name tickets that somebody has just written to.
      const half = createSemaphore(Math.max(1, Math.floor(helpdesk.traits.concurrency / 2)));
      await Promise.all(
        page.tickets.map(async (externalId) => {
          const ticket = { instance, entity, externalId };
          const release = await half.acquire(signal);
          try {
            await inPlace(deps, places, instance, signal, () => observe(deps, ticket, signal, since.get(externalId)));
          } catch (error) {
            if (error instanceof DeskRestored) throw error;
            if (!(await isTicketsOwn(helpdesk, error, signal))) throw error;
            // The feed will not name it again, so it waits in a table without delaying the others.
            await scheduleHint(deps.db, ticket, unreadableMs(1));
            noteUnreadable(deps, ticket, error);
          } finally {
            release();
          }
        }),
      );
      await moveFeed(deps.db, feed, cursor, page.cursor, page.more);
    }
    await noteContact(deps, instance, null);
    await refreshCatalogue(deps, desk, within);
  } catch (error) {
    if (error instanceof DeskRestored) return noteRestored(deps, error);
    // Told to leave, it stopped by itself; the instance is not at fault, so the next watcher asks it at once.
    if (signal.aborted) return pollNow(deps.db, feed);
    const failed = error instanceof HelpdeskError ? error : null;
    const isLockedOut = failed?.class === 'auth' && !isOtherDesk(failed);
    const delayMs = nextTry({
      attempt: failures + 1,
      trouble: isLockedOut ? 'auth' : 'retry',
      random: Math.random(),
      capMs: downCapMs,
      ...(failed?.retryAfterMs === undefined ? {} : { retryAfterMs: failed.retryAfterMs }),
    });
    await feedFailed(deps.db, feed, isLockedOut ? authDelayMs : delayMs);
    if (signal.aborted) return;
    await noteFailedLook(deps, instance, error, failures + 1);
    if (failed === null) throw error;
  }
}

async function inPlace(
  deps: WorkDeps,
  places: Map<string, Semaphore>,
  instance: string,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  let place = places.get(instance);
  if (place === undefined) {
    place = createSemaphore((await deps.desks.of(instance)).helpdesk.traits.concurrency);
    places.set(instance, place);
  }
  const release = await place.acquire(signal);
  try {
    await work();
  } finally {
    release();
  }
}
