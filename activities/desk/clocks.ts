/**
 * How far each desk's clock is from ours, which is the database's: by the dates that it gave to actions of ours, of which
 * we know when they were made, else by the Date header of its replies. Kept with the instance, so that every process has it at once.
 */
import { saveClock } from '#db/settings/clock.ts';
import type { Db } from '#db/base/client.ts';
import type { OurClock } from '#db/base/our-clock.ts';

export type DeskClock = {
  /** Ours, milliseconds; null until the database has told it. */
  now(): number | null;
  /** Milliseconds ahead of ours; null until it was measured. */
  offsetMs(): number | null;
  /** An action of ours was dated `at` by the desk, and made between these two instants of ours; milliseconds. */
  dated(at: string, sentAt: number, gotAt: number): void;
};

export type Clocks = {
  of(instance: string): DeskClock;
  /** A reply says so. Milliseconds. */
  replied(instance: string, aheadMs: number): void;
  /** As it is kept with the instance. */
  known(instance: string, offsetMs: number | null): void;
};

const kept = { action: 5, reply: 15 };
/** A write that took longer says too little. Milliseconds. */
const longestMs = 10_000;
/** What is kept is put right when it is off by more, or older. Milliseconds. */
const offMs = 250;
const freshMs = 5 * 60_000;
/** A Date header tells no less: clocks that differ by less are taken for equal, or chance would say who was first. */
const untoldMs = 1_000;
/** One reply in this time is looked at. Milliseconds. */
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
      // Our own actions tell best; until this process has made some, those of the others do, by what is kept.
      offsetMs: () => {
        const one = of(instance);
        const found = median(one.action) ?? one.known ?? median(one.reply);
        return found !== null && Math.abs(found) < untoldMs ? 0 : found;
      },
      dated(at, sentAt, gotAt) {
        const dated = Date.parse(at);
        if (!Number.isFinite(dated) || gotAt - sentAt > longestMs) return;
        // What keeps whole seconds has cut half a second off on average.
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

/** One that was late, or of a proxy, does not count. */
function median(samples: readonly number[]): number | null {
  return samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? null;
}
