/** People at one desk, and an observer at the other who sees when their notes arrive. */
import { request, Agent } from 'undici';
import type { DeskClient } from './desk-client.ts';

/** A ticket to write on, and the ticket on which its notes are to appear. */
export type Lane = {
  readonly near: string;
  readonly far: string;
  /** The webhook address to call, if the desk sends no webhook itself. */
  readonly hook?: string;
};

export type LoadOptions = {
  readonly near: DeskClient;
  readonly far: DeskClient;
  /**
   * Written on in turn, so that each has a rest between two notes, as real tickets have. There must be more of them
   * than `inFlight`.
   */
  readonly lanes: readonly Lane[];
  readonly inFlight: number;
  /** Time that is not counted, in seconds. */
  readonly warmUp: number;
  /** Time that is counted, in seconds. */
  readonly seconds: number;
  /** Called when counting begins and when it ends. */
  readonly mark?: () => Promise<void>;
};

export type LoadResult = { readonly perSecond: number; readonly arrived: number };

/** A note that has not arrived by then counts as lost, and fails the run. */
const arrivesWithinMs = 30_000;
/**
 * Under load the observer looks less often than when measuring latency, since each look takes time from the measured
 * work.
 */
const lookEveryMs = { latency: 5, load: 20 };
const hooks = new Agent({ connections: 32, keepAliveTimeout: 30_000 });

/** Keeps a fixed number of notes under way, each on a different ticket, and counts the arrivals. */
export async function carryLoad(options: LoadOptions): Promise<LoadResult> {
  const { near, lanes, inFlight } = options;
  const arrivals = await watchArrivals(options.far, lookEveryMs.load);
  let next = 0;
  let arrived = 0;
  let over = false;
  const person = async (): Promise<void> => {
    while (!over) {
      const lane = lanes[next % lanes.length];
      next += 1;
      if (lane === undefined) throw new Error('there is no ticket to write on');
      const seen = arrivals.next(lane.far);
      await write(near, lane, `<p>Note ${next}.</p>`);
      await seen;
      arrived += 1;
    }
  };
  const people = Promise.all(Array.from({ length: inFlight }, person));
  try {
    await Promise.race([pause(options.warmUp * 1000), people]);
    await options.mark?.();
    const [from, at] = [arrived, performance.now()];
    await Promise.race([pause(options.seconds * 1000), people]);
    const [count, ms] = [arrived - from, performance.now() - at];
    await options.mark?.();
    over = true;
    await people;
    return { perSecond: (count * 1000) / ms, arrived: count };
  } finally {
    over = true;
    arrivals.stop();
  }
}

/** Writes a note as a person does. The webhook comes from the desk, or else from this function. */
export async function write(near: DeskClient, lane: Lane, note: string): Promise<void> {
  await near.note(lane.near, note);
  if (lane.hook === undefined) return;
  const reply = await request(lane.hook, {
    method: 'POST',
    dispatcher: hooks,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ticket: lane.near }),
  });
  await reply.body.dump();
}

export type Arrivals = {
  /** Resolves when the far ticket changes next. Rejects if that takes too long. */
  next(ticket: string): Promise<void>;
  stop(): void;
};

/** Asks the far desk every few milliseconds which tickets have changed. */
export async function watchArrivals(far: DeskClient, everyMs = lookEveryMs.latency): Promise<Arrivals> {
  let cursor = await far.position();
  const awaited = new Map<string, { arrived(): void; failed(error: Error): void; readonly by: number }>();
  let stopped = false;
  let broken: Error | null = null;
  const look = async (): Promise<void> => {
    while (!stopped) {
      const page = await far.changed(cursor);
      cursor = page.cursor;
      for (const ticket of page.tickets) {
        awaited.get(ticket)?.arrived();
        awaited.delete(ticket);
      }
      const now = performance.now();
      const [oldest] = awaited;
      if (oldest !== undefined && oldest[1].by < now) throw new Error(`a note on ${oldest[0]} did not arrive in time`);
      await pause(everyMs);
    }
  };
  look().catch((error: unknown) => {
    broken = error as Error;
    for (const one of awaited.values()) one.failed(broken);
  });
  return {
    next(ticket) {
      if (broken !== null) return Promise.reject(broken);
      return new Promise((arrived, failed) => {
        awaited.set(ticket, { arrived, failed, by: performance.now() + arrivesWithinMs });
      });
    },
    stop() {
      stopped = true;
    },
  };
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
