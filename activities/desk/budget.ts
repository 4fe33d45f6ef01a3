/**
 * Waits until an instance's request budget allows another request. Links take turns, so that a noisy one slows only
 * itself.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { takeBudget } from '#db/carry/budgets.ts';
import type { Db } from '#db/base/client.ts';

/** Most taken from the database at once, and never more than are waiting: what is taken is used immediately. */
const handful = 10;
/**
 * A request that would wait longer fails with the time at which to return, so that no write's deadline passes while
 * waiting. Milliseconds.
 */
const patienceMs = 2_000;

export type Budget = {
  /** Throws HelpdeskError slow-down if the budget is used up for longer, or if the signal's deadline passes. */
  take(link: string | null, signal: AbortSignal): Promise<void>;
};

type Waiting = { readonly link: string; go(): void; fail(error: unknown): void };

export function createBudget(
  db: Db,
  instance: string,
  rate: { readonly requests: number; readonly windowMs: number },
): Budget {
  let filling = false;
  const queues = new Map<string, Waiting[]>();

  /** Serves the links in turn: each waiting link gets one request, then moves to the end. */
  const serve = (granted: number): void => {
    let left = granted;
    for (const [link, queue] of queues) {
      if (left <= 0) return;
      const next = queue.shift();
      queues.delete(link);
      if (queue.length > 0) queues.set(link, queue);
      if (next === undefined) continue;
      left -= 1;
      next.go();
    }
  };
  const failAll = (error: unknown): void => {
    const all = [...queues.values()].flat();
    queues.clear();
    for (const one of all) one.fail(error);
  };
  const usedUp = (waitMs: number): HelpdeskError => {
    const { requests, windowMs } = rate;
    const message = `The ${requests} requests that ${instance} allows in ${Math.round(windowMs / 1000)} seconds are used up for now.`;
    return new HelpdeskError('slow-down', 'request-budget', message, { retryAfterMs: Math.max(Math.ceil(waitMs), 1) });
  };
  const fill = async (): Promise<void> => {
    filling = true;
    try {
      while (queues.size > 0) {
        const waiting = [...queues.values()].reduce((sum, queue) => sum + queue.length, 0);
        const { granted, waitMs } = await takeBudget(
          db,
          instance,
          Math.min(waiting, handful),
          rate.requests,
          rate.windowMs,
        );
        serve(granted);
        if (granted > 0 || queues.size === 0) continue;
        if (waitMs > patienceMs) failAll(usedUp(waitMs));
        else await new Promise((resolve) => setTimeout(resolve, waitMs));
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
      return new Promise((resolve, reject) => {
        const key = link ?? '';
        const queue = queues.get(key) ?? [];
        const leave = (): void => {
          const now = queues.get(key);
          const place = now?.indexOf(waiting) ?? -1;
          if (place >= 0) now?.splice(place, 1);
          if (now?.length === 0) queues.delete(key);
          // Nothing was sent, so a deadline that passes here leaves nothing in doubt.
          const isDeadline = signal.reason instanceof Error && signal.reason.name === 'TimeoutError';
          reject(isDeadline ? usedUp(patienceMs) : (signal.reason as Error));
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
