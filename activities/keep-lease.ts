/**
 * Renews a courier's lease while its drain runs. Only a renewal that the database has confirmed proves that the drain
 * is alive: a process that has lost its connection to the database still has running timers.
 */
import { leaseSeconds, renewLease } from '#db/carry/couriers.ts';
import type { Db } from '#db/base/client.ts';

/** The database has confirmed no renewal for the duration of a lease. */
export class LeaseError extends Error {
  override readonly name = 'LeaseError';
}

export type Lease = {
  /** Aborted once another drain owns the courier, or it is unknown who does. */
  readonly signal: AbortSignal;
  /** Throws a LeaseError if the owner is unknown. */
  throwIfUnsure(): void;
  stop(): void;
};

export type LeaseOptions = {
  readonly instance: string;
  readonly epoch: number;
  /** Called after each confirmed renewal. */
  renewed(): void;
};

const renewEveryMs = 1_500;
const lookEveryMs = 250;

export function keepLease(db: Db, { instance, epoch, renewed }: LeaseOptions): Lease {
  const lost = new AbortController();
  let unsure = false;
  let askedAt = performance.now();
  let asking = false;
  /** Since when renewals have been requested without confirmation. */
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
      // It is requested again; the check below limits how long this may fail.
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(() => {
    if (!asking && performance.now() - askedAt >= renewEveryMs) void ask();
    // A process that was busy or frozen first receives the answers that arrived in the meantime.
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
