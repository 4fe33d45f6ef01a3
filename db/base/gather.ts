/**
 * Questions that are asked at about the same time, answered together, in order. Those that come while earlier ones are
 * under way wait; those that come in the same turn of the event loop go together. Where an answer to several fails, each
 * is asked by itself, so that none spoils the answer to another; unless none could.
 */
export type GatheredOptions<Question> = {
  /** Batches running at a time. */
  readonly atOnce?: number;
  /** Questions answered together; or their size, where they have one. What alone is larger goes alone. */
  readonly most?: number;
  sizeOf?(question: Question): number;
  /** Questions with equal keys are never answered together. */
  keyOf?(question: Question): string;
  /** A failure is everybody's: it is not the questions that it comes from. */
  readonly failTogether?: boolean;
};

type Waiting<Question, Answer> = {
  readonly question: Question;
  done(answer: Answer): void;
  failed(error: unknown): void;
};

export function createGathered<Question, Answer>(
  answer: (questions: readonly Question[]) => Promise<readonly Answer[]>,
  { atOnce = 2, most = 64, keyOf, sizeOf, failTogether = false }: GatheredOptions<Question> = {},
): (question: Question) => Promise<Answer> {
  type OpenQuestion = Waiting<Question, Answer>;
  let waiting: OpenQuestion[] = [];
  let running = 0;
  let isPlanned = false;
  const run = async (batch: readonly OpenQuestion[]): Promise<void> => {
    try {
      const answers = await answer(batch.map(({ question }) => question));
      for (const [n, { done }] of batch.entries()) done(answers[n] as Answer);
    } catch (error) {
      if (batch.length > 1 && !failTogether) for (const one of batch) await run([one]);
      else for (const one of batch) one.failed(error);
    }
  };
  const plan = (): void => {
    if (isPlanned || running >= atOnce || waiting.length === 0) return;
    isPlanned = true;
    setImmediate(() => {
      isPlanned = false;
      const batch =
        keyOf === undefined
          ? firstOf(waiting, most, ({ question }) => sizeOf?.(question) ?? 1)
          : firstUnlike(waiting, most, ({ question }) => keyOf(question));
      waiting = waiting.filter((one) => !batch.has(one));
      running += 1;
      void run([...batch]).finally(() => {
        running -= 1;
        plan();
      });
      plan();
    });
  };
  return (question) =>
    new Promise((done, failed) => {
      waiting.push({ question, done, failed });
      plan();
    });
}

/** The first of them, until they have this size together. */
function firstOf<One>(all: readonly One[], most: number, sizeOf: (one: One) => number): Set<One> {
  let size = 0;
  let end = 0;
  for (; end < all.length && size < most; end += 1) size += sizeOf(all[end] as One);
  return new Set(all.slice(0, end));
}

/** The first of them, but none with the key of one before it. */
export function firstUnlike<One>(all: readonly One[], most: number, keyOf: (one: One) => string): Set<One> {
  const unlike = new Map<string, One>();
  for (const one of all) {
    const key = keyOf(one);
    if (unlike.size < most && !unlike.has(key)) unlike.set(key, one);
  }
  return new Set(unlike.values());
}
