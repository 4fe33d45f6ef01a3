/** Limits concurrency, first come, first served. A caller that waits too long, or finds too many waiting, gets no place. */
export type Places = {
  /** A function that returns the place, or null. */
  enter(): Promise<(() => void) | null>;
  /** The number of callers that have a place or wait for one. */
  readonly busy: number;
};

export type PlacesOptions = {
  readonly places: number;
  readonly waiting: number;
  readonly mostWaitMs: number;
};

export function createPlaces({ places, waiting, mostWaitMs }: PlacesOptions): Places {
  let taken = 0;
  const queue: (() => void)[] = [];
  const leaver = (): (() => void) => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const next = queue.shift();
      if (next === undefined) taken -= 1;
      else next();
    };
  };
  return {
    enter() {
      if (taken < places) {
        taken += 1;
        return Promise.resolve(leaver());
      }
      if (queue.length >= waiting) return Promise.resolve(null);
      return new Promise((resolve) => {
        const enter = (): void => {
          clearTimeout(timer);
          resolve(leaver());
        };
        const timer = setTimeout(() => {
          queue.splice(queue.indexOf(enter), 1);
          resolve(null);
        }, mostWaitMs);
        queue.push(enter);
      });
    },
    get busy() {
      return taken + queue.length;
    },
  };
}
