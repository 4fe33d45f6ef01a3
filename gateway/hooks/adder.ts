/**
 * Inserts hints into the database in batches: while one statement runs, the next hints gather. Answers a caller only after its
 * own hints are committed.
 */
import { refKey } from '#core/words/ref.ts';
import { addHints, notifyHints } from '#db/log/hint.ts';
import type { Hint } from '#db/log/hint.ts';
import type { Db } from '#db/base/client.ts';
import { ProblemError } from '#gateway/problems.ts';

export type Adder = {
  /** Resolves when the hints are committed; rejects if the database is down or too many are waiting. */
  add(hints: readonly Hint[]): Promise<void>;
  /** Resolves when nothing is in progress. */
  idle(): Promise<void>;
};

const maxWaiting = 20_000;
const maxPerStatement = 2_000;
/** Limits NOTIFYs, because each takes a lock that all commits share. */
const notifyGapMs = 5;

type Waiting = {
  readonly hints: readonly Hint[];
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
};

export function createAdder(db: Db): Adder {
  let waiting: Waiting[] = [];
  let waitingCount = 0;
  let running: Promise<void> | null = null;
  const notifier = createNotifier(() => notifyHints(db));

  async function run(): Promise<void> {
    // Hints of the same turn of the event loop share a statement.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0) {
      const batch = take();
      try {
        await addHints(db, unique(batch));
        for (const one of batch) one.done();
        notifier.ring();
      } catch (error) {
        for (const one of batch) one.failed(error);
      }
    }
  }

  function take(): Waiting[] {
    let count = 0;
    let end = 0;
    while (end < waiting.length && count < maxPerStatement) {
      count += waiting[end]?.hints.length ?? 0;
      end += 1;
    }
    const batch = waiting.slice(0, end);
    waiting = waiting.slice(end);
    waitingCount -= count;
    return batch;
  }

  return {
    add(hints) {
      if (waitingCount + hints.length > maxWaiting)
        return Promise.reject(new ProblemError('database-unavailable', 'Too many hints wait for the database.'));
      return new Promise((done, failed) => {
        waiting.push({ hints, done, failed });
        waitingCount += hints.length;
        running ??= run().finally(() => {
          running = null;
        });
      });
    },
    async idle() {
      while (running !== null) await running;
      await notifier.idle();
    },
  };
}

function unique(batch: readonly Waiting[]): Hint[] {
  const seen = new Map<string, Hint>();
  for (const { hints } of batch) for (const hint of hints) seen.set(refKey(hint), hint);
  return [...seen.values()];
}

type Notifier = { ring(): void; idle(): Promise<void> };

/** Rings at once, then at most once per gap. If it fails, the next poll finds the hints. */
function createNotifier(notify: () => Promise<void>): Notifier {
  let again = false;
  let running: Promise<void> | null = null;

  async function run(): Promise<void> {
    do {
      again = false;
      await notify().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, notifyGapMs));
    } while (again);
  }

  return {
    ring() {
      again = true;
      running ??= run().finally(() => {
        running = null;
      });
    },
    async idle() {
      while (running !== null) await running;
    },
  };
}
