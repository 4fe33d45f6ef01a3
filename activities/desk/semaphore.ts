/** Limits how many may run at a time; first come, first served. */
export type Semaphore = {
  /** Resolves with a function that releases the place; rejects on abort. */
  acquire(signal: AbortSignal): Promise<() => void>;
};

export function createSemaphore(places: number): Semaphore {
  let free = places;
  const waiting: (() => void)[] = [];
  const release = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  const once = (): (() => void) => {
    let given = false;
    return () => {
      if (!given) release();
      given = true;
    };
  };
  return {
    acquire(signal) {
      signal.throwIfAborted();
      if (free > 0) {
        free -= 1;
        return Promise.resolve(once());
      }
      return new Promise((resolve, reject) => {
        const enter = (): void => {
          signal.removeEventListener('abort', leave);
          resolve(once());
        };
        const leave = (): void => {
          const place = waiting.indexOf(enter);
          if (place >= 0) waiting.splice(place, 1);
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', leave, { once: true });
        waiting.push(enter);
      });
    },
  };
}

/** Makes a separate semaphore for each instance: one that hangs occupies no other's places. */
export function createPlaces(places: number): (instance: string) => Semaphore {
  const byInstance = new Map<string, Semaphore>();
  return (instance) => {
    let own = byInstance.get(instance);
    if (own === undefined) {
      own = createSemaphore(places);
      byInstance.set(instance, own);
    }
    return own;
  };
}
