// How somebody asks a start to end: Ctrl-C, SIGTERM, a closed terminal.

/** One Ctrl-C reaches us several times: from the terminal, from npm, and from our own parent. */
const sameRequestMs = 1_500;

export type Termination = {
  /** Aborted at the first request. */
  readonly signal: AbortSignal;
  /** Settles at a second request: somebody does not want to wait. */
  readonly impatient: Promise<void>;
  /** Gives the signals back to whoever had them. */
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
