/** In every worker: wakes what is due without a courier, makes sure watchers run, tells notices, tidies up. */
import { WorkflowIdConflictPolicy } from '@temporalio/common';
import type { Client as TemporalClient } from '@temporalio/client';
import { reason } from '#core/words/reasons.ts';
import { escalationOverdueMs } from '#core/words/retry.ts';
import type { Client } from '#db/base/client.ts';
import { takeDueLeases } from '#db/carry/couriers.ts';
import { markOverdue } from '#db/carry/overdue.ts';
import { claimOverdue, ensurePartitions, notifyTargets, purge, tellOverdue } from '#db/operate/maintenance.ts';
import { liftPauses } from '#db/operate/lift-pauses.ts';
import { noticeInstances } from '#db/operate/instance-notices.ts';
import { claimUnannounced, type UnannouncedNotice } from '#db/base/notices.ts';
import { createLinkChores, linkChoresEveryMs } from './link-chores.ts';
import type { Log, Tell } from '#activities/deps.ts';
import { taskQueue, watcherId, watchWorkflow } from '#workflows/contract.ts';
import { signalCourier } from './wake.ts';
import type { Wake } from '#db/carry/couriers.ts';

export type SweeperDeps = {
  readonly db: Client;
  temporal(): TemporalClient | null;
  readonly wake: Wake;
  readonly blobs: { delete(sha256: string): Promise<void> };
  readonly tell: Tell;
  /** Of what is told now, for those who watch from outside. */
  noticed(notices: readonly UnannouncedNotice[]): Promise<void>;
  readonly log: Log;
  readonly watchers: number;
  readonly sweepMs?: number;
  /** What else is done again and again, in every worker. */
  readonly chores?: readonly Chore[];
};

export type Chore = { readonly name: string; readonly everyMs: number; readonly work: () => Promise<void> };

export type Sweeper = { stop(): Promise<void> };

const sweepEveryMs = 5_000;
const watchersEveryMs = 30_000;
/** Without an answer for this long Temporal counts as away. */
const startWithinMs = 5_000;
const tidyEveryMs = 10 * 60_000;
/** Pauses that may lift by themselves are looked for this often. */
const liftEveryMs = 60_000;
const leasesAtOnce = 200;
/** An instance away this long is told about. */
const awayMs = 60_000;

export function startSweeper(deps: SweeperDeps): Sweeper {
  const tendLinks = createLinkChores(deps);
  const chores = [
    ...(deps.chores ?? []).map(({ name, everyMs, work }) => repeat(deps, everyMs, name, work)),
    repeat(deps, linkChoresEveryMs, 'links', tendLinks),
    repeat(deps, deps.sweepMs ?? sweepEveryMs, 'sweep', () => sweep(deps)),
    repeat(deps, watchersEveryMs, 'watchers', () => ensureWatchers(deps)),
    repeat(deps, liftEveryMs, 'pauses', () => lift(deps)),
    repeat(deps, tidyEveryMs, 'tidy', async () => {
      await ensurePartitions(deps.db);
      for (const sha256 of await purge(deps.db)) await deps.blobs.delete(sha256);
    }),
  ];
  return { stop: async () => void (await Promise.all(chores.map((stop) => stop()))) };
}

/** Runs at once and then at the interval; never two at a time. A failure is logged and tried again. */
function repeat(deps: SweeperDeps, everyMs: number, name: string, work: () => Promise<void>): () => Promise<void> {
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

async function sweep(deps: SweeperDeps): Promise<void> {
  for (const instance of await takeDueLeases(deps.db, leasesAtOnce)) {
    await signalCourier(deps.temporal(), instance);
  }
  for (const overdue of await claimOverdue(deps.db, escalationOverdueMs)) {
    const why = reason('escalation-overdue');
    await tellOverdue(deps.db, overdue, why.text);
    deps.wake(await markOverdue(deps.db, overdue.id));
  }
  await noticeInstances(deps.db, awayMs);
  const notices = await claimUnannounced(deps.db, 50);
  await deps.noticed(notices).catch((error: unknown) => deps.log.warn({ err: error }, 'notices could not be logged'));
  for (const notice of notices) {
    const to = await notifyTargets(deps.db, notice.link);
    await deps.tell({ link: notice.link, text: notice.text, count: notice.count, cleared: notice.cleared, to });
  }
}

async function lift(deps: SweeperDeps): Promise<void> {
  for (const { mirror, link, wake } of await liftPauses(deps.db)) {
    deps.log.info({ link, mirror }, 'a mirror that the breaker had paused goes on: it was quiet since');
    deps.wake(wake);
  }
}

/** A watcher that is running stays as it is. */
async function ensureWatchers(deps: SweeperDeps): Promise<void> {
  const temporal = deps.temporal();
  if (temporal === null) return;
  for (let number = 0; number < deps.watchers; number += 1) {
    await temporal.withDeadline(Date.now() + startWithinMs, () =>
      temporal.workflow.start(watchWorkflow, {
        workflowId: watcherId(number),
        taskQueue,
        args: [number],
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      }),
    );
  }
}
