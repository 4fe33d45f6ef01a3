/** One end for the caller's abort and for the time limit of an exchange. */

export type Deadline = {
  /** The time is over, or the caller has given up. */
  isOver(): boolean;
  /** It is the time that is over. */
  isExpired(): boolean;
  /** As if the time were over. */
  expire(): void;
  /** `stop` is called once, as soon as it is over; only the last one given. */
  whenOver(stop: () => void): void;
  clear(): void;
};

/** Cheaper than AbortSignal.any, and leaves nothing behind once it is cleared. */
export function startDeadline(caller: AbortSignal, timeoutMs: number): Deadline {
  let over = caller.aborted;
  let expired = false;
  let hear: (() => void) | null = null;
  const end = (): void => {
    if (over) return;
    over = true;
    hear?.();
  };
  const expire = (): void => {
    if (!over) expired = true;
    end();
  };
  const timer = setTimeout(expire, timeoutMs);
  if (!over) caller.addEventListener('abort', end, { once: true });
  return {
    isOver: () => over,
    isExpired: () => expired,
    expire,
    whenOver(stop) {
      if (over) stop();
      else hear = stop;
    },
    clear() {
      hear = null;
      clearTimeout(timer);
      caller.removeEventListener('abort', end);
    },
  };
}
