/** Requests that outlive the drain that made them: it hands over, and they reach their end meanwhile. */
export type Stragglers = {
  /** Waits for them for `graceMs`; those that take longer are remembered. */
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
