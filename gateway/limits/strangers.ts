/**
 * Callers that nobody knows yet, by the network they call from: what anybody may read has a pace, and a refusal comes
 * late where refusals are many. Nobody is locked out by it who has a token that works.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context, MiddlewareHandler } from 'hono';
import { problem } from '#gateway/problems.ts';
import { createPace, type Pace, type PaceLimit } from './pace.ts';

export type Strangers = {
  /** Before what anybody may read, such as a key set. */
  readonly paced: MiddlewareHandler;
  /** Waits before a refusal is answered, at most a second. */
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
      return problem('too-many-requests', 'Too many requests from this address. Wait as long as Retry-After says.', {
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
