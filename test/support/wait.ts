// Waits for a condition instead of sleeping: every wait has a deadline, and a failed one names what it waited for.
import { setTimeout as sleep } from 'node:timers/promises';

export type Wait = {
  /** Words that complete "waited for …". */
  readonly what: string;
  /** A minute and a half by default: it ends what would hang, and gives a busy machine time. */
  readonly timeoutMs?: number;
  /** Pause between two looks; 25 ms by default. */
  readonly everyMs?: number;
};

/**
 * Looks until `look` gives something truthy, and returns that. A look that throws counts as "not yet";
 * the last error is the cause of the failure.
 */
export async function until<T>(
  look: () => T | Promise<T>,
  wait: Wait,
): Promise<Exclude<Awaited<T>, undefined | null | false | '' | 0>> {
  const limit = wait.timeoutMs ?? 90_000;
  const deadline = Date.now() + limit;
  let last: unknown;
  for (;;) {
    try {
      last = undefined;
      const found = await look();
      if (found) return found as Exclude<Awaited<T>, undefined | null | false | '' | 0>;
    } catch (error) {
      last = error;
    }
    if (Date.now() >= deadline) throw new Error(`waited ${limit} ms in vain for ${wait.what}`, { cause: last });
    await sleep(wait.everyMs ?? 25);
  }
}

/** Passes if `look` stays falsy for `forMs`, and fails as soon as it does not. For what must not happen. */
export async function never(
  look: () => unknown,
  wait: { readonly what: string; readonly forMs: number },
): Promise<void> {
  const end = Date.now() + wait.forMs;
  do {
    if (await look()) throw new Error(`must not happen: ${wait.what}`);
    await sleep(25);
  } while (Date.now() < end);
}
