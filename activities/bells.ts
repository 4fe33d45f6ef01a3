/**
 * Bells that the database rings. A ring while nobody is waiting is remembered, so that none is lost between two waits.
 */
import type { Connection } from '#db/base/client.ts';

export type Bell = {
  ring(): void;
  /** Resolves if rung since the last wait, after `ms`, or on abort; never rejects. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
};

export type Bells = {
  /** The bell of one instance's courier. */
  of(instance: string): Bell;
  /** Marks that a drain of this process listens to the instance's bell. Returns the function that ends it. */
  attend(instance: string): () => void;
  /** Rings the instance's bell if a drain of this process listens to it; returns false if none does. */
  ringHere(instance: string): boolean;
  /** The watchers' bell. */
  readonly hints: Bell;
  close(): Promise<void>;
};

/** `one`: a ring wakes only one of several waiters, because the one that wakes takes all the work. */
export function createBell(one = false): Bell {
  let rung = false;
  const waiting = new Set<() => void>();
  return {
    ring() {
      rung = true;
      for (const wake of waiting) {
        wake();
        if (one) return;
      }
    },
    wait(ms, signal) {
      if (rung || signal.aborted) {
        rung = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          waiting.delete(done);
          rung = false;
          resolve();
        };
        const timer = setTimeout(done, ms);
        signal.addEventListener('abort', done, { once: true });
        waiting.add(done);
      });
    },
  };
}

export type Channels = { readonly lanes: string; readonly hints: string };

/**
 * Opens one LISTEN connection per process. After a reconnect every bell rings, because notifications sent in between
 * are lost.
 */
export async function listenForBells(connection: Connection, channels: Channels): Promise<Bells> {
  const byInstance = new Map<string, Bell>();
  const attended = new Map<string, number>();
  const hints = createBell(true);
  const ringAll = (): void => {
    hints.ring();
    for (const bell of byInstance.values()) bell.ring();
  };
  await Promise.all([
    connection.sql.listen(channels.lanes, (instance) => byInstance.get(instance)?.ring(), ringAll),
    connection.sql.listen(channels.hints, () => hints.ring(), ringAll),
  ]);
  return {
    of(instance) {
      let bell = byInstance.get(instance);
      if (bell === undefined) {
        bell = createBell();
        byInstance.set(instance, bell);
      }
      return bell;
    },
    attend(instance) {
      attended.set(instance, (attended.get(instance) ?? 0) + 1);
      let left = false;
      return () => {
        if (left) return;
        left = true;
        const others = (attended.get(instance) ?? 1) - 1;
        if (others > 0) attended.set(instance, others);
        else attended.delete(instance);
      };
    },
    ringHere(instance) {
      if (!attended.has(instance)) return false;
      byInstance.get(instance)?.ring();
      return true;
    },
    hints,
    close: () => connection.close(),
  };
}
