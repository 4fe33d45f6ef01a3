/**
 * After a commit: rings the bells of running drains, and wakes the couriers that sleep. The committing code never
 * awaits it.
 */
import type { Client as TemporalClient } from '@temporalio/client';
import { notifyLanes, takeLeases, type Wake } from '#db/carry/couriers.ts';
import type { Db } from '#db/base/client.ts';
import { carryWorkflow, courierId, queueOf, wakeSignal } from '#workflows/contract.ts';

export type WakeDeps = {
  readonly db: Db;
  /** The version of the workflows' code. */
  readonly version?: string;
  /** Null while Temporal is unreachable: due work waits in the database, and the sweeper wakes its courier later. */
  temporal(): TemporalClient | null;
  onError(error: unknown): void;
  /** Rings a drain of this process. True if there is one; it then needs no other signal. */
  ringHere?(instance: string): boolean;
};

/** Requests that arrive while one is under way are joined, so that a busy instance costs one statement at a time. */
export function createWake(deps: WakeDeps): Wake {
  const asked = new Set<string>();
  let running = false;
  const run = async (): Promise<void> => {
    running = true;
    try {
      while (asked.size > 0) {
        const instances = [...asked];
        asked.clear();
        await notifyLanes(deps.db, instances);
        for (const instance of await takeLeases(deps.db, instances)) {
          await signalCourier(deps.temporal(), deps.version, instance).catch(deps.onError);
        }
      }
    } catch (error) {
      deps.onError(error);
    } finally {
      running = false;
    }
  };
  return (instances) => {
    for (const instance of instances) if (deps.ringHere?.(instance) !== true) asked.add(instance);
    if (!running && asked.size > 0) void run();
  };
}

/** An empty signal: it does no harm if it is sent twice, or to a courier that is leaving. */
export async function signalCourier(
  temporal: TemporalClient | null,
  version: string | undefined,
  instance: string,
): Promise<void> {
  if (temporal === null) return;
  await temporal.withDeadline(Date.now() + 5_000, () =>
    temporal.workflow.signalWithStart(carryWorkflow, {
      workflowId: courierId(instance),
      taskQueue: queueOf(version),
      args: [instance],
      signal: wakeSignal,
    }),
  );
}
