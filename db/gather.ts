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

/**
 * Questions that are asked at about the same time, answered together, in order. Where that fails, each is asked by
 * itself, so that none spoils the answer to another.
 */
export function createGathered<Question, Answer>(
  answer: (questions: readonly Question[]) => Promise<readonly Answer[]>,
  { atOnce = 2, most = 64 } = {},
): (question: Question) => Promise<Answer> {
  type Waiting = { readonly question: Question; done(answer: Answer): void; failed(error: unknown): void };
  const run = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const answers = await answer(batch.map(({ question }) => question));
      for (const [n, { done }] of batch.entries()) done(answers[n] as Answer);
    } catch (error) {
      const [only] = batch;
      if (batch.length === 1) return only?.failed(error);
      for (const one of batch) await run([one]);
    }
  };
  const add = createGather<Waiting>({
    atOnce,
    take: (waiting) => ({ batch: waiting.slice(0, most), rest: waiting.slice(most) }),
    run,
  });
  return (question) => new Promise((done, failed) => add({ question, done, failed }));
}
