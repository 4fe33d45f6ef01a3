/**
 * Renews a courier's lease while its drain runs. That the drain is alive is said only by a renewal that the database has
 * confirmed: a process whose line to the database is dead has timers that run all the same.
 */
import { leaseSeconds, renewLease } from '#db/carry/couriers.ts';
import type { Db } from '#db/base/client.ts';

/** The database has confirmed no renewal for the time of a lease. */
export class LeaseError extends Error {
  override readonly name = 'LeaseError';
}

export type Lease = {
  /** Aborted once the courier is another's, or nobody can say whose it is. */
  readonly signal: AbortSignal;
  /** Throws a LeaseError where nobody can say. */
  throwIfUnsure(): void;
  stop(): void;
};

export type LeaseOptions = {
  readonly instance: string;
  readonly epoch: number;
  /** After each confirmed renewal. */
  renewed(): void;
};

const renewEveryMs = 1_500;
const lookEveryMs = 250;

export function keepLease(db: Db, { instance, epoch, renewed }: LeaseOptions): Lease {
  const lost = new AbortController();
  let unsure = false;
  let askedAt = performance.now();
  let asking = false;
  /** Since when a renewal has been asked for and none confirmed. */
  let failingSince: number | null = null;
  const isOverdue = (): boolean =>
    failingSince !== null && performance.now() - failingSince > leaseSeconds * 1_000 && !lost.signal.aborted;
  const ask = async (): Promise<void> => {
    askedAt = performance.now();
    failingSince ??= askedAt;
    asking = true;
    try {
      if (!(await renewLease(db, instance, epoch))) return lost.abort();
      failingSince = null;
      renewed();
    } catch {
      // Asked again; how long that may go wrong is seen to below.
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(() => {
    if (!asking && performance.now() - askedAt >= renewEveryMs) void ask();
    // A process that was busy, or frozen, hears first what was answered meanwhile.
    if (isOverdue())
      setImmediate(() =>
        setImmediate(() => {
          if (!isOverdue()) return;
          unsure = true;
          lost.abort();
        }),
      );
  }, lookEveryMs);
  return {
    signal: lost.signal,
    throwIfUnsure() {
      if (unsure) throw new LeaseError(`the lease of ${instance} could not be renewed`);
    },
    stop: () => clearInterval(timer),
  };
}
