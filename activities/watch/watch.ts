/** Reads what is new: tickets that hints name, and feeds when they are due. Several watchers share the work. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { ticketEntity } from '#core/words/ref.ts';
import { authDelayMs, nextTry } from '#core/words/retry.ts';
import { claimHints, type ClaimedHint } from '#db/log/claim-hints.ts';
import { claimFeeds, feedFailed, moveFeed, pollNow, startFeed, type DueFeed } from '#db/log/feeds.ts';
import { readFromMany } from '#db/log/log-reading.ts';
import type { WatchResult } from '#workflows/contract.ts';
import type { ActivityRun, WorkDeps } from '#activities/deps.ts';
import { noteContact, noteFailedLook } from './contact.ts';
import { observe } from './observe.ts';
import { refreshCatalogue } from './refresh-catalogue.ts';
import { createSemaphore, type Semaphore } from '#activities/desk/semaphore.ts';

/** Hints claimed at a time; what is claimed and lost with a process costs a poll. */
const hintsAtOnce = 64;
/** A helpdesk's connector reads tickets. What is known of other records waits for who reads those. */
const entitiesRead = [ticketEntity];
const feedsAtOnce = 16;
const feedPage = 200;
const lookEveryMs = 1_000;
/** A feed that is asked takes at most this long. Milliseconds. */
const feedTimeoutMs = 60_000;

export function createWatch(deps: WorkDeps) {
  // Shared by all watchers of this process, so that an instance sees no more requests than it allows.
  const places = new Map<string, Semaphore>();
  return (run: ActivityRun): Promise<WatchResult> => watch(deps, places, run);
}

async function watch(deps: WorkDeps, places: Map<string, Semaphore>, { signal }: ActivityRun): Promise<WatchResult> {
  const endsAt = performance.now() + deps.limits.drainMs;
  const reading = new Set<Promise<void>>();
  const start = (work: Promise<void>, mayLeaveMore: boolean): void => {
    const tracked = work
      .catch((error: unknown) => {
        if (!signal.aborted) deps.log.error({ err: error }, 'a read failed unexpectedly');
      })
      .finally(() => {
        // Only what had to wait for a place, or what this has brought, is worth another look.
        if (mayLeaveMore || reading.size >= hintsAtOnce) deps.bells.hints.ring();
        reading.delete(tracked);
      });
    reading.add(tracked);
  };
  while (!signal.aborted && performance.now() < endsAt) {
    const room = hintsAtOnce - reading.size;
    if (room <= 0) {
      await deps.bells.hints.wait(lookEveryMs, signal);
      continue;
    }
    const { hints, nextHintMs, nextPollMs } = await claimHints(deps.db, entitiesRead, room);
    for (const hint of hints) start(followHint(deps, places, hint, signal), hint.externalId === '');
    if (nextPollMs !== null && nextPollMs <= 0) {
      const feeds = await claimFeeds(deps.db, entitiesRead, feedsAtOnce, deps.limits.pollMs);
      for (const feed of feeds) start(poll(deps, places, feed, signal), true);
      if (feeds.length === feedsAtOnce) continue;
    }
    if (hints.length === room) continue;
    const nextMs = Math.min(lookEveryMs, nextHintMs ?? lookEveryMs, nextPollMs || lookEveryMs);
    await deps.bells.hints.wait(Math.max(nextMs, 5), signal);
  }
  await Promise.allSettled(reading);
  return { more: true };
}

async function followHint(
  deps: WorkDeps,
  places: Map<string, Semaphore>,
  hint: ClaimedHint,
  signal: AbortSignal,
): Promise<void> {
  const { instance } = hint;
  if (hint.externalId === '') {
    await pollNow(deps.db, hint);
    return;
  }
  try {
    await inPlace(deps, places, instance, signal, () => observe(deps, hint, signal, hint.since));
  } catch (error) {
    // The feed's cursor has not passed what this hint was about, so the next poll reads it.
    if (!(error instanceof HelpdeskError)) throw error;
    // What one ticket is refused says nothing about the desk.
    if (error.class === 'auth' || error.class === 'retry' || error.class === 'in-doubt')
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
      await startFeed(deps.db, feed, await helpdesk.feedStart(within));
    } else {
      const page = await helpdesk.feed(cursor, feedPage, within);
      // Every ticket is logged before the cursor moves on: a kill in between reads the page again.
      const since = await readFromMany(deps.db, instance, entity, page.tickets);
      // Half of the places stay free for hints, which tell of what somebody has just written.
      const half = createSemaphore(Math.max(1, Math.floor(helpdesk.traits.concurrency / 2)));
      await Promise.all(
        page.tickets.map(async (ticket) => {
          const release = await half.acquire(signal);
          try {
            await inPlace(deps, places, instance, signal, () =>
              observe(deps, { instance, entity, externalId: ticket }, signal, since.get(ticket)),
            );
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
    const failed = error instanceof HelpdeskError ? error : null;
    const delayMs = nextTry({
      attempt: failures + 1,
      trouble: failed?.class === 'auth' ? 'auth' : 'retry',
      random: Math.random(),
      ...(failed?.retryAfterMs === undefined ? {} : { retryAfterMs: failed.retryAfterMs }),
    });
    await feedFailed(deps.db, feed, failed?.class === 'auth' ? authDelayMs : delayMs);
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
