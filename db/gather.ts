/** Gathers what comes while earlier batches are under way; what comes in the same turn of the event loop goes together. */
export type GatherOptions<Item> = {
  /** Batches under way at a time. */
  readonly atOnce: number;
  /** Which of those that wait go next, in order, never none; the others go on waiting. */
  take(waiting: readonly Item[]): { readonly batch: Item[]; readonly rest: Item[] };
  /** Never rejects: each item is told for itself. */
  run(batch: Item[]): Promise<void>;
};

export function createGather<Item>({ atOnce, take, run }: GatherOptions<Item>): (item: Item) => void {
  let waiting: Item[] = [];
  let running = 0;
  let isPlanned = false;
  const plan = (): void => {
    if (isPlanned || running >= atOnce || waiting.length === 0) return;
    isPlanned = true;
    setImmediate(() => {
      isPlanned = false;
      const { batch, rest } = take(waiting);
      waiting = rest;
      running += 1;
      void run(batch).finally(() => {
        running -= 1;
        plan();
      });
      plan();
    });
  };
  return (item) => {
    waiting.push(item);
    plan();
  };
}
