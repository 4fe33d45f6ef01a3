/** So many at a time, first come, first served; who waits too long, or finds too many waiting, gets no place. */
export type Places = {
  /** The function that gives the place back, or null. */
  enter(): Promise<(() => void) | null>;
  /** Those who have a place and those who wait for one. */
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
