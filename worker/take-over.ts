/**
 * Takes over work whose worker is dead, frozen or cut off from the database, and work that Temporal does not hand out:
 * it runs in this process. The lease and the database's clock decide when; the epoch makes it safe.
 */
import { takeDueLeases } from '#db/carry/couriers.ts';
import { isUnwatched } from '#db/log/claim-hints.ts';
import type { Client } from '#db/base/client.ts';
import type { Drain } from '#activities/drain.ts';
import type { Log } from '#activities/deps.ts';
import { entitiesRead, type Watch } from '#activities/watch/watch.ts';

export type TakeOverDeps = {
  readonly db: Client;
  readonly drain: Drain;
  readonly watch: Watch;
  /** Wakes the instance's courier; rejects if Temporal does not accept the call. */
  wakeCourier(instance: string): Promise<void>;
  readonly log: Log;
};

export type TakeOver = {
  /** Once a second: wakes the couriers of due work that has none, and carries it here if that did not help. */
  couriers(): Promise<void>;
  /** Once a second: reads here if nobody else reads. */
  watchers(): Promise<void>;
  /** Tells everything that runs here to leave, and waits until it has left. */
  stop(): Promise<void>;
};

const leasesAtOnce = 200;
/** How many couriers run here at the same time at most. */
const mostHere = 50;
/** Hints and feeds that nobody has claimed for this long have no watcher. In milliseconds. */
const unwatchedMs = 3_000;

export function createTakeOver(deps: TakeOverDeps): TakeOver {
  const stopping = new AbortController();
  const here = new Map<string, Promise<unknown>>();
  let wasUnwatched = false;
  const run = (key: string, work: () => Promise<unknown>, what: string): void => {
    if (stopping.signal.aborted || here.has(key) || here.size >= mostHere) return;
    deps.log.warn({ what: key }, what);
    const running = work()
      .catch((error: unknown) => deps.log.warn({ err: error, what: key }, 'work taken over failed; it is tried again'))
      .finally(() => here.delete(key));
    here.set(key, running);
  };
  const supervision = { signal: stopping.signal, heartbeat: () => undefined };
  return {
    async couriers() {
      const due = await takeDueLeases(deps.db, leasesAtOnce);
      for (const { instance, again } of due) {
        if (again)
          run(
            `carry/${instance}`,
            () => deps.drain(instance, supervision),
            'a courier was woken but did not start; its work is done here',
          );
        // Not awaited: Temporal may be away, and the next look shows whether it helped.
        else
          deps
            .wakeCourier(instance)
            .catch((error: unknown) =>
              deps.log.warn({ err: error, instance }, 'a courier could not be woken; its work is done here'),
            );
      }
    },
    async watchers() {
      if (here.has('watch')) return;
      const isAgain = wasUnwatched;
      wasUnwatched = await isUnwatched(deps.db, entitiesRead, unwatchedMs);
      // Seen at two looks in a row: at the first look a worker may still be starting, and with it its watchers.
      if (!isAgain || !wasUnwatched) return;
      run('watch', () => deps.watch(supervision), 'nobody reads for news; it is read here');
    },
    async stop() {
      stopping.abort();
      await Promise.allSettled(here.values());
    },
  };
}
