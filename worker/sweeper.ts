/**
 * In every worker, again and again: wakes couriers for due work, announces notices, and cleans up. Each chore runs on
 * its own schedule.
 */
import type { Client as TemporalClient } from '@temporalio/client';
import { escalationOverdueMs } from '#core/words/retry.ts';
import type { Client } from '#db/base/client.ts';
import { markOverdue } from '#db/carry/overdue.ts';
import { deleteUnused } from '#db/log/attachments.ts';
import { endPauses } from '#db/operate/end-pauses.ts';
import { liftPauses } from '#db/operate/lift-pauses.ts';
import { notifyTargets, purge } from '#db/operate/maintenance.ts';
import { ensurePartitions } from '#db/operate/partitions.ts';
import { noticeInstances } from '#db/operate/instance-notices.ts';
import { claimUnannounced, type UnannouncedNotice } from '#db/base/notices.ts';
import { createLinkChores, linkChoresEveryMs } from './link-chores.ts';
import type { Log, Tell } from '#activities/deps.ts';
import type { TakeOver } from './take-over.ts';
import { createEnsureWatchers } from './watchers.ts';
import type { Wake } from '#db/carry/couriers.ts';

export type SweeperDeps = {
  readonly db: Client;
  temporal(): TemporalClient | null;
  /** The version of the workflows' code. */
  readonly version: string;
  readonly takeOver: TakeOver;
  readonly wake: Wake;
  readonly blobs: { deleteUntouched(sha256: string, untouchedMs: number): Promise<boolean> };
  readonly tell: Tell;
  /** Called with the notices that are announced now, for those who monitor Ferry from outside. */
  noticed(notices: readonly UnannouncedNotice[]): Promise<void>;
  readonly log: Log;
  readonly watchers: number;
  readonly sweepMs?: number;
  /** Further chores that every worker repeats. */
  readonly chores?: readonly Chore[];
};

export type Chore = { readonly name: string; readonly everyMs: number; readonly work: () => Promise<void> };

export type Sweeper = { stop(): Promise<void> };

const sweepEveryMs = 5_000;
const takeOverEveryMs = 1_000;
const watchersEveryMs = 10_000;
const tidyEveryMs = 10 * 60_000;
/** How often to look for pauses that may lift by themselves. */
const liftEveryMs = 60_000;
/** An instance that has been away this long gets a notice. */
const awayMs = 60_000;

/** No chore waits for another: if one lacks something (Temporal, a lock, a mail server), the rest carry on. */
export function startSweeper(deps: SweeperDeps): Sweeper {
  const sweepMs = deps.sweepMs ?? sweepEveryMs;
  const chores: readonly Chore[] = [
    ...(deps.chores ?? []),
    { name: 'links', everyMs: linkChoresEveryMs, work: createLinkChores(deps) },
    { name: 'couriers', everyMs: takeOverEveryMs, work: () => deps.takeOver.couriers() },
    { name: 'unwatched', everyMs: takeOverEveryMs, work: () => deps.takeOver.watchers() },
    { name: 'watchers', everyMs: watchersEveryMs, work: createEnsureWatchers(deps) },
    {
      name: 'overdue',
      everyMs: sweepMs,
      work: async () => deps.wake(await markOverdue(deps.db, escalationOverdueMs)),
    },
    { name: 'notices', everyMs: sweepMs, work: () => tellNotices(deps) },
    { name: 'pauses', everyMs: liftEveryMs, work: () => lift(deps) },
    { name: 'pause-ends', everyMs: sweepMs, work: () => endDue(deps) },
    { name: 'partitions', everyMs: tidyEveryMs, work: async () => void (await ensurePartitions(deps.db)) },
    { name: 'retention', everyMs: tidyEveryMs, work: () => purge(deps.db) },
    {
      name: 'files',
      everyMs: tidyEveryMs,
      work: async () =>
        void (await deleteUnused(deps.db, (sha256, untouchedMs) => deps.blobs.deleteUntouched(sha256, untouchedMs))),
    },
  ];
  const stops = chores.map((chore) => repeat(deps, chore));
  return { stop: async () => void (await Promise.all(stops.map((stop) => stop()))) };
}

/**
 * Runs the chore at once and then at its interval, and never twice at the same time. Logs a failure and tries again.
 */
function repeat(deps: SweeperDeps, { name, everyMs, work }: Chore): () => Promise<void> {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const turn = (): void => {
    running = work()
      .catch((error: unknown) => deps.log.warn({ err: error }, `${name} failed; it is tried again`))
      .then(() => {
        if (!stopped) timer = setTimeout(turn, everyMs);
      });
  };
  turn();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await running;
  };
}

async function tellNotices(deps: SweeperDeps): Promise<void> {
  await noticeInstances(deps.db, awayMs);
  const notices = await claimUnannounced(deps.db, 50);
  await deps.noticed(notices).catch((error: unknown) => deps.log.warn({ err: error }, 'notices could not be logged'));
  // All at once, each with its own time limit, so that one that hangs keeps the news from nobody else.
  await Promise.all(
    notices.map(async ({ link, text, count, cleared }) => {
      const to = await notifyTargets(deps.db, link);
      await deps.tell({ link, text, count, cleared, to });
    }),
  );
}

/** Links that were paused until now. */
async function endDue(deps: SweeperDeps): Promise<void> {
  for (const { link, by, wake } of await endPauses(deps.db)) {
    deps.log.info({ link, pausedBy: by }, 'a paused link was resumed: its time is over');
    deps.wake(wake);
  }
}

async function lift(deps: SweeperDeps): Promise<void> {
  for (const { mirror, link, wake } of await liftPauses(deps.db)) {
    deps.log.info({ link, mirror }, 'the breaker had paused this mirror; it has been quiet since and is resumed');
    deps.wake(wake);
  }
}
