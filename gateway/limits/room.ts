/**
 * Limits how many actions of a link may wait here. Asks the database only now and then, so a nearly full link may exceed the limit
 * by what other processes accept meanwhile.
 */
export type Room = {
  /** At least 0. */
  of(link: string, to: string): Promise<number>;
  /** Counts accepted actions. */
  took(link: string, to: string, count: number): void;
};

export type RoomOptions = {
  readonly most: number;
  readonly count: (link: string, to: string, most: number) => Promise<number>;
  readonly now?: () => number;
};

const freshMs = 2_000;
/** Keyed by our own links. */
const mostKept = 10_000;

export function createRoom({ most, count, now = () => performance.now() }: RoomOptions): Room {
  const kept = new Map<string, { readonly at: number; waiting: number }>();
  return {
    async of(link, to) {
      const key = `${link} ${to}`;
      let known = kept.get(key);
      if (known === undefined || now() - known.at > freshMs) {
        known = { at: now(), waiting: await count(link, to, most) };
        if (kept.size >= mostKept) kept.clear();
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
