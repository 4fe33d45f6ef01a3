/**
 * Measures how far each desk's clock differs from ours, which is the database's: from the dates it gave to actions that
 * we made, since we know when that was, or else from the Date header of its replies. Stored with the instance, so that
 * every process has it at once.
 */
import { saveClock } from '#db/settings/clock.ts';
import type { Db } from '#db/base/client.ts';
import type { OurClock } from '#db/base/our-clock.ts';

export type DeskClock = {
  /** Our time, milliseconds; null until the database has reported it. */
  now(): number | null;
  /** Milliseconds by which it runs ahead of ours; null until measured. */
  offsetMs(): number | null;
  /** The desk dated an action of ours `at`; it was made between these two instants by our clock, in milliseconds. */
  dated(at: string, sentAt: number, gotAt: number): void;
};

export type Clocks = {
  of(instance: string): DeskClock;
  /** A reply's Date header indicates this. Milliseconds. */
  replied(instance: string, aheadMs: number): void;
  /** The offset stored with the instance. */
  known(instance: string, offsetMs: number | null): void;
};

const kept = { action: 5, reply: 15 };
/** A write that took longer is too imprecise. Milliseconds. */
const longestMs = 10_000;
/** The stored offset is updated if it is off by more than this, or older. Milliseconds. */
const offMs = 250;
const freshMs = 5 * 60_000;
/**
 * The precision of a Date header: clocks that differ by less count as equal, otherwise chance would decide who was
 * first.
 */
const indistinctMs = 1_000;
/** At most one reply in this time is used. Milliseconds. */
const repliesMs = 200;

type Measured = {
  action: number[];
  reply: number[];
  repliedAt: number;
  known: number | null;
  savedAt: number;
  saved: number | null;
};

export function createClocks(db: Db, ours: OurClock, onError: (error: unknown) => void): Clocks {
  const all = new Map<string, Measured>();
  const of = (instance: string): Measured => {
    let one = all.get(instance);
    if (one === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      one = { action: [], reply: [], repliedAt: never, known: null, savedAt: never, saved: null };
      all.set(instance, one);
    }
    return one;
  };
  const measured = (one: Measured): { offsetMs: number; by: 'action' | 'reply' } | null => {
    const by = one.action.length > 0 ? 'action' : 'reply';
    const offsetMs = median(one[by]);
    return offsetMs === null ? null : { offsetMs, by };
  };
  const add = (instance: string, by: 'action' | 'reply', aheadMs: number): void => {
    const one = of(instance);
    one[by] = [...one[by], aheadMs].slice(-kept[by]);
    const now = measured(one);
    if (now === null) return;
    const isFresh = performance.now() - one.savedAt < freshMs;
    if (one.saved !== null && isFresh && Math.abs(one.saved - now.offsetMs) <= offMs) return;
    one.saved = now.offsetMs;
    one.savedAt = performance.now();
    saveClock(db, instance, Math.round(now.offsetMs), now.by).catch(onError);
  };
  return {
    of: (instance) => ({
      now: () => ours.now(),
      // Our own actions measure best; until this process has made some, the stored offset covers those of other
      // processes.
      offsetMs: () => {
        const one = of(instance);
        const found = median(one.action) ?? one.known ?? median(one.reply);
        return found !== null && Math.abs(found) < indistinctMs ? 0 : found;
      },
      dated(at, sentAt, gotAt) {
        const dated = Date.parse(at);
        if (!Number.isFinite(dated) || gotAt - sentAt > longestMs) return;
        // A clock that shows whole seconds cuts off half a second on average.
        const cut = dated % 1_000 === 0 ? 500 : 0;
        const agrees = dated + 2 * cut >= sentAt && dated <= gotAt;
        add(instance, 'action', agrees ? 0 : dated + cut - (sentAt + gotAt) / 2);
      },
    }),
    replied(instance, aheadMs) {
      const one = of(instance);
      if (performance.now() - one.repliedAt < repliesMs) return;
      one.repliedAt = performance.now();
      add(instance, 'reply', aheadMs);
    },
    known(instance, offsetMs) {
      of(instance).known = offsetMs;
    },
  };
}

/** Returns the middle sample, so that a late reply or a proxy's does not count. */
function median(samples: readonly number[]): number | null {
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? null;
}
