/**
 * Limits unknown callers by their network: public documents have a rate limit, and refusals are delayed if there are many. Callers
 * with a valid token are never locked out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context, MiddlewareHandler } from 'hono';
import { problem } from '#gateway/problems.ts';
import { createPace, type Pace, type PaceLimit } from './pace.ts';

export type Strangers = {
  /** The limit for public documents, such as key sets. */
  readonly paced: MiddlewareHandler;
  /** Delays a refusal, by at most a second. */
  slowDown(c: Context): Promise<void>;
};

export type StrangersOptions = {
  readonly addressOf: (c: Context) => string;
  readonly limit?: PaceLimit;
  readonly now?: () => number;
  readonly maxAddresses?: number;
};

const standard: PaceLimit = { perMinute: 600, atOnce: 100 };
const mostWaitMs = 1_000;

export function createStrangers({
  addressOf,
  limit = standard,
  now = () => performance.now(),
  maxAddresses = 10_000,
}: StrangersOptions): Strangers {
  const paces = new Map<string, Pace>();
  const paceOf = (c: Context): Pace => {
    const address = addressOf(c);
    const pace = paces.get(address) ?? createPace(limit, mostWaitMs, now);
    paces.delete(address);
    paces.set(address, pace);
    for (const oldest of paces.keys()) {
      if (paces.size <= maxAddresses) break;
      paces.delete(oldest);
    }
    return pace;
  };
  return {
    async paced(c, next) {
      const taken = paceOf(c).take(1);
      await sleep(taken.ok ? taken.waitMs : mostWaitMs);
      if (taken.ok) return next();
      const seconds = Math.max(1, Math.ceil(taken.retryMs / 1_000));
      return problem('too-many-requests', 'Too many requests from this address. Wait for the time in Retry-After.', {
        'retry-after': String(seconds),
      });
    },
    async slowDown(c) {
      const taken = paceOf(c).take(1);
      const waitMs = taken.ok ? taken.waitMs : mostWaitMs;
      if (waitMs > 0) await sleep(waitMs);
    },
  };
}
