/**
 * A file may lawfully take longer than anything else, as long as it comes. Its first byte has a limit, each silence has
 * one, and on the whole it must come at a least rate; one that hangs would keep its place for as long as a file may take.
 */
export type TransferLimits = {
  /** From the request to the first byte of the file, milliseconds. */
  readonly firstByteMs: number;
  /** Between two bytes of it, milliseconds. */
  readonly silenceMs: number;
  /** On the whole, after `silenceMs`. The gateway asks the same of files that are put to it. */
  readonly leastBytesPerMs: number;
  /** Of a file that is sent: between two bytes that are taken, and from the last of them to the answer, milliseconds. */
  readonly untakenMs: number;
};

export const standardTransfer: TransferLimits = {
  firstByteMs: 15_000,
  silenceMs: 15_000,
  leastBytesPerMs: (10 * 1024) / 1_000,
  untakenMs: 60_000,
};

export type TransferWatch = {
  /** So many bytes more have come. */
  came(bytes: number): void;
  stop(): void;
};

export const lookEveryMs = 250;

/**
 * Calls `late` once, as soon as a file that is fetched is late.
 * @param isTaken false while its receiver takes nothing more, which is not the sender's fault
 */
export function watchTransfer(limits: TransferLimits, late: () => void, isTaken: () => boolean): TransferWatch {
  const begunAt = performance.now();
  let firstAt: number | null = null;
  let lastAt = begunAt;
  let bytes = 0;
  /** Time that the receiver took. */
  let heldMs = 0;
  let lookedAt = begunAt;
  const timer = setInterval(() => {
    const now = performance.now();
    if (firstAt !== null && !isTaken()) {
      heldMs += now - lookedAt;
      lastAt = now;
    }
    lookedAt = now;
    const isLate =
      firstAt === null
        ? now - begunAt >= limits.firstByteMs
        : now - lastAt >= limits.silenceMs ||
          bytes < (now - firstAt - heldMs - limits.silenceMs) * limits.leastBytesPerMs;
    if (!isLate) return;
    clearInterval(timer);
    late();
  }, lookEveryMs);
  return {
    came(more) {
      lastAt = performance.now();
      firstAt ??= lastAt;
      bytes += more;
    },
    stop: () => clearInterval(timer),
  };
}
