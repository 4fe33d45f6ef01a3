/**
 * Work whose worker is gone, frozen or cut off from the database, or that Temporal does not hand out: it is done here.
 * The lease and the clock of the database say so, and the epoch makes it safe.
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
  /** Wakes the instance's courier; rejects where Temporal does not take it. */
  wakeCourier(instance: string): Promise<void>;
  readonly log: Log;
};

export type TakeOver = {
  /** Once a second: what is due without a courier is woken, and carried here where that did not help. */
  couriers(): Promise<void>;
  /** Once a second: reads here where nobody reads. */
  watchers(): Promise<void>;
  /** Tells what runs here to leave, and waits until it has. */
  stop(): Promise<void>;
};

const leasesAtOnce = 200;
/** Couriers that run here at a time at most. */
const mostHere = 50;
/** Hints and feeds that nobody has claimed for so long have no watcher. Milliseconds. */
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
            'a courier was woken and did not come; it is run here',
          );
        // Not waited for: Temporal may be away, and the next look says whether it helped.
        else
          deps
            .wakeCourier(instance)
            .catch((error: unknown) =>
              deps.log.warn({ err: error, instance }, 'a courier could not be woken; it is run here'),
            );
      }
    },
    async watchers() {
      if (here.has('watch')) return;
      const isAgain = wasUnwatched;
      wasUnwatched = await isUnwatched(deps.db, entitiesRead, unwatchedMs);
      // Seen twice: the first look may be that of a worker that starts, and whose watchers do so as well.
      if (!isAgain || !wasUnwatched) return;
      run('watch', () => deps.watch(supervision), 'nobody reads what is new; it is read here');
    },
    async stop() {
      stopping.abort();
      await Promise.allSettled(here.values());
    },
  };
}
