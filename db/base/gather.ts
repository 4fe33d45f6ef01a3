/**
 * Answers questions that are asked at about the same time together, in order. Questions that arrive while earlier
 * batches are running wait; those that arrive in the same turn of the event loop form one batch. If a batch fails, each
 * of its questions is asked separately, so that none spoils another's answer.
 */
export type GatheredOptions<Question> = {
  /** Batches running at a time. */
  readonly atOnce?: number;
  /** Most questions in one batch. */
  readonly most?: number;
  /** Questions with equal keys are never in the same batch. */
  keyOf?(question: Question): string;
};

type Waiting<Question, Answer> = {
  readonly question: Question;
  done(answer: Answer): void;
  failed(error: unknown): void;
};

export function createGathered<Question, Answer>(
  answer: (questions: readonly Question[]) => Promise<readonly Answer[]>,
  { atOnce = 2, most = 64, keyOf }: GatheredOptions<Question> = {},
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
      const [only] = batch;
      if (batch.length === 1) return only?.failed(error);
      for (const one of batch) await run([one]);
    }
  };
  const plan = (): void => {
    if (isPlanned || running >= atOnce || waiting.length === 0) return;
    isPlanned = true;
    setImmediate(() => {
      isPlanned = false;
      const batch =
        keyOf === undefined
          ? new Set(waiting.slice(0, most))
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

/** Selects the first ones, each with a different key. */
export function firstUnlike<One>(all: readonly One[], most: number, keyOf: (one: One) => string): Set<One> {
  const unlike = new Map<string, One>();
  for (const one of all) {
    const key = keyOf(one);
    if (unlike.size < most && !unlike.has(key)) unlike.set(key, one);
  }
  return new Set(unlike.values());
}
