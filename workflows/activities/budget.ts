/** Waits until an instance's request budget allows one more; links take turns, so that a noisy one slows only itself. */
import { takeBudget } from '#db/budgets.ts';
import type { Db } from '#db/client.ts';

/** Taken from the database at a time. */
const handful = 10;

export type Budget = {
  take(link: string | null, signal: AbortSignal): Promise<void>;
};

type Waiting = { readonly link: string; go(): void; fail(error: unknown): void };

export function createBudget(
  db: Db,
  instance: string,
  rate: { readonly requests: number; readonly windowMs: number },
): Budget {
  let left = 0;
  let filling = false;
  const queues = new Map<string, Waiting[]>();

  /** The links in turn: each that waits is served once, then goes to the end. */
  const serve = (): void => {
    for (const [link, queue] of queues) {
      if (left <= 0) return;
      const next = queue.shift();
      queues.delete(link);
      if (queue.length > 0) queues.set(link, queue);
      if (next === undefined) continue;
      left -= 1;
      next.go();
    }
    if (left > 0 && queues.size > 0) serve();
  };
  const failAll = (error: unknown): void => {
    const all = [...queues.values()].flat();
    queues.clear();
    for (const one of all) one.fail(error);
  };
  const fill = async (): Promise<void> => {
    filling = true;
    try {
      while (queues.size > 0) {
        const { granted, waitMs } = await takeBudget(db, instance, handful, rate.requests, rate.windowMs);
        left += granted;
        serve();
        if (granted === 0 && queues.size > 0)
          await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, 5_000)));
      }
    } catch (error) {
      failAll(error);
    } finally {
      filling = false;
    }
  };
  return {
    take(link, signal) {
      signal.throwIfAborted();
      if (left > 0 && queues.size === 0) {
        left -= 1;
        return Promise.resolve();
      }
      return new Promise((resolve, reject) => {
        const key = link ?? '';
        const queue = queues.get(key) ?? [];
        const leave = (): void => {
          const place = queue.indexOf(waiting);
          if (place >= 0) queue.splice(place, 1);
          if (queue.length === 0) queues.delete(key);
          reject(signal.reason as Error);
        };
        const waiting: Waiting = {
          link: key,
          go: () => {
            signal.removeEventListener('abort', leave);
            resolve();
          },
          fail: (error) => {
            signal.removeEventListener('abort', leave);
            reject(error as Error);
          },
        };
        signal.addEventListener('abort', leave, { once: true });
        queue.push(waiting);
        queues.set(key, queue);
        if (!filling) void fill();
      });
    },
  };
}
