/**
 * How many more actions of a link may wait here. The database knows, and is asked now and then: a link that is nearly
 * full may go over by what other processes take within that time.
 */
import { LRUCache } from 'lru-cache';

export type Room = {
  /** At least 0. */
  of(link: string, to: string): Promise<number>;
  /** So many were taken just now. */
  took(link: string, to: string, count: number): void;
};

export type RoomOptions = {
  readonly most: number;
  readonly count: (link: string, to: string, most: number) => Promise<number>;
  readonly now?: () => number;
};

const freshMs = 2_000;
/** Keys are links of ours. */
const mostKept = 10_000;

export function createRoom({ most, count, now = () => performance.now() }: RoomOptions): Room {
  const kept = new LRUCache<string, { readonly at: number; waiting: number }>({ max: mostKept });
  return {
    async of(link, to) {
      const key = `${link} ${to}`;
      let known = kept.get(key);
      if (known === undefined || now() - known.at > freshMs) {
        known = { at: now(), waiting: await count(link, to, most) };
        kept.set(key, known);
      }
      return Math.max(0, most - known.waiting);
    },
    took(link, to, taken) {
      const known = kept.get(`${link} ${to}`);
      if (known !== undefined) known.waiting += taken;
    },
  };
}
