/**
 * Inserts hints into the database in batches: while one statement runs, the next hints gather. Answers a caller only after its
 * own hints are committed.
 */
import { refKey } from '#core/words/ref.ts';
import { addHints, notifyHints } from '#db/log/hint.ts';
import type { Hint } from '#db/log/hint.ts';
import type { Db } from '#db/base/client.ts';
import { createGathered } from '#db/base/gather.ts';
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

export function createAdder(db: Db): Adder {
  let waitingCount = 0;
  const under = new Set<Promise<void>>();
  const notifier = createNotifier(() => notifyHints(db));
  const put = createGathered<readonly Hint[], void>(
    async (batch) => {
      for (const hints of batch) waitingCount -= hints.length;
      await addHints(db, unique(batch));
      notifier.ring();
      return batch.map(() => undefined);
    },
    { atOnce: 1, most: maxPerStatement, sizeOf: (hints) => hints.length, failTogether: true },
  );
  return {
    add(hints) {
      if (waitingCount + hints.length > maxWaiting)
        return Promise.reject(new ProblemError('database-unavailable', 'Too many hints wait for the database.'));
      waitingCount += hints.length;
      const adding = put(hints);
      const settled = adding
        .catch(() => undefined)
        .finally(() => {
          under.delete(settled);
        });
      under.add(settled);
      return adding;
    },
    async idle() {
      while (under.size > 0) await Promise.all(under);
      await notifier.idle();
    },
  };
}

function unique(batch: readonly (readonly Hint[])[]): Hint[] {
  return [...new Map(batch.flat().map((hint) => [refKey(hint), hint])).values()];
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
