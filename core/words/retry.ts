/** When a try that failed is made again. No clock and no randomness here: both are given. */

/** How a try failed, as a connector's error classes say it. */
export type Trouble = 'retry' | 'slow-down' | 'conflict' | 'auth';

const firstDelayMs = 500;
export const retryCapMs = 60_000;
/** A desk that is down is asked again at least this often, so that it is noticed soon when it is back. */
export const downCapMs = 15_000;
export const authDelayMs = 15 * 60_000;
/** Whatever a helpdesk or peer asks for, it is asked again after this long. */
export const longestPauseMs = 60 * 60_000;
/** A delivery in trouble while its instance is up is held after this long. */
export const heldAfterMs = 60 * 60_000;
/** A file that its desk, while up, fails to give for this long is replaced by a placeholder. */
export const fileGivenUpAfterMs = 5 * 60_000;
/** So long a file has to be missing: a copy of the desk that is late, or a right that comes back, shows it again. */
export const fileGoneAfterMs = 30_000;
/** A held head is set aside after this long, and its lane goes on. */
export const setAsideAfterMs = 15 * 60_000;
/** An escalation that has not opened a ticket after this long marks its ticket. */
export const escalationOverdueMs = 15 * 60_000;
/** Mail to end users older than this is held. */
export const lateMailMs = 4 * 60 * 60_000;

export type RetryInput = {
  /** Tries made since the last progress; the first failure is 1. */
  readonly attempt: number;
  readonly trouble: Trouble;
  /** What the helpdesk asked for, milliseconds; obeyed, but never for longer than an hour. */
  readonly retryAfterMs?: number | undefined;
  /** Longest delay between two tries, milliseconds; 60 s unless told. */
  readonly capMs?: number;
  /** In [0, 1). */
  readonly random: number;
};

/** Milliseconds until the next try: exponential with jitter up to the cap; 15 minutes for bad credentials. */
export function nextTry({ attempt, trouble, retryAfterMs, random, capMs = retryCapMs }: RetryInput): number {
  if (retryAfterMs !== undefined && retryAfterMs > 0) return Math.ceil(Math.min(retryAfterMs, longestPauseMs));
  if (trouble === 'auth') return authDelayMs;
  const jitter = 0.5 + Math.min(Math.max(random, 0), 1) / 2;
  const doublings = Math.min(Math.max(Math.floor(attempt), 1) - 1, 20);
  return Math.round(Math.min(firstDelayMs * 2 ** doublings, capMs) * jitter);
}

/**
 * The wait that a `Retry-After` header asks for, in milliseconds, at most an hour; undefined where it asks for none that
 * can be understood. RFC 9110 §10.2.3: seconds or a date. Some proxies send the second since 1970 at which to come back:
 * that is as good as a very long wait, and ends like one.
 */
export function pauseOf(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim().slice(0, 64);
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) || ms < 0 ? undefined : Math.min(ms, longestPauseMs);
}

/** Whether a delivery's own trouble has lasted so long, with its instance up, that somebody should look. */
export function isOverdue(troubleSince: string, now: string): boolean {
  return Date.parse(now) - Date.parse(troubleSince) >= heldAfterMs;
}
