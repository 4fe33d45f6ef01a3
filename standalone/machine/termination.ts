/** The requests to end a start: Ctrl-C, SIGTERM, a closed terminal. */

/** Signals within this time count as one, because Ctrl-C reaches us from the terminal, npm and our parent. Milliseconds. */
const sameRequestMs = 1_500;

export type Termination = {
  /** Aborted at the first request. */
  readonly signal: AbortSignal;
  /** Settles at a second request: the user does not want to wait. */
  readonly impatient: Promise<void>;
  /** Restores the earlier signal handlers. */
  release(): void;
};

export function onTermination(): Termination {
  const controller = new AbortController();
  const impatient = Promise.withResolvers<void>();
  let first: number | undefined;
  const handle = (): void => {
    const now = performance.now();
    first ??= now;
    if (!controller.signal.aborted) controller.abort(new Error('asked to end'));
    else if (now - first > sameRequestMs) impatient.resolve();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, handle);
  return {
    signal: controller.signal,
    impatient: impatient.promise,
    release: () => {
      for (const signal of signals) process.off(signal, handle);
    },
  };
}
