/** Requests that outlive the drain that made them: the drain hands over while they finish. */
export type Stragglers = {
  /** Waits up to `graceMs` for them and remembers those that take longer. */
  leave(all: Iterable<Promise<unknown>>, graceMs: number): Promise<void>;
  /** Waits until none is left, or for `withinMs`. */
  rest(withinMs: number): Promise<void>;
};

export function createStragglers(): Stragglers {
  const left = new Set<Promise<unknown>>();
  return {
    async leave(all, graceMs) {
      const under = [...all];
      for (const one of under) {
        left.add(one);
        const done = (): void => void left.delete(one);
        one.then(done, done);
      }
      await within(under, graceMs);
    },
    rest: (withinMs) => within([...left], withinMs),
  };
}

async function within(all: readonly Promise<unknown>[], ms: number): Promise<void> {
  if (all.length === 0) return;
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([Promise.allSettled(all), late]);
  clearTimeout(timer);
}
