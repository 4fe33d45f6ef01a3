/** Computes when to repeat a failed attempt. No clock and no randomness here: both are arguments. */

/** How an attempt failed, in terms of the connectors' error classes. */
export type Trouble = 'retry' | 'slow-down' | 'conflict' | 'auth';

const firstDelayMs = 500;
export const retryCapMs = 60_000;
/** A desk that is down is asked at least this often, so that its return is noticed soon. */
export const downCapMs = 15_000;
export const authDelayMs = 15 * 60_000;
/** However long a pause a helpdesk or peer requests, it is asked again after this time. */
export const longestPauseMs = 60 * 60_000;
/** A delivery that keeps failing while its instance is up is held after this time. */
export const heldAfterMs = 60 * 60_000;
/** A file that its desk, while up, fails to provide for this long is replaced by a placeholder. */
export const fileGivenUpAfterMs = 5 * 60_000;
/**
 * How long a file must be missing before it counts as gone: a lagging replica or a restored permission may show it
 * again.
 */
export const fileGoneAfterMs = 30_000;
/** A held head is set aside after this time, and its lane continues. */
export const setAsideAfterMs = 15 * 60_000;
/** An escalation that has not opened a ticket after this time marks its ticket. */
export const escalationOverdueMs = 15 * 60_000;
/** Mail to end users older than this is held. */
export const lateMailMs = 4 * 60 * 60_000;

export type RetryInput = {
  /** Attempts since the last progress; the first failure is 1. */
  readonly attempt: number;
  readonly trouble: Trouble;
  /** What the helpdesk asked for, milliseconds; obeyed, but never for longer than an hour. */
  readonly retryAfterMs?: number | undefined;
  /** Longest delay between two attempts, milliseconds; 60 s by default. */
  readonly capMs?: number;
  /** In [0, 1). */
  readonly random: number;
};

/**
 * Returns milliseconds until the next attempt: exponential with jitter up to the cap; 15 minutes for bad credentials.
 */
export function nextTry({ attempt, trouble, retryAfterMs, random, capMs = retryCapMs }: RetryInput): number {
  if (retryAfterMs !== undefined && retryAfterMs > 0) return Math.ceil(Math.min(retryAfterMs, longestPauseMs));
  if (trouble === 'auth') return authDelayMs;
  const jitter = 0.5 + Math.min(Math.max(random, 0), 1) / 2;
  const doublings = Math.min(Math.max(Math.floor(attempt), 1) - 1, 20);
  return Math.round(Math.min(firstDelayMs * 2 ** doublings, capMs) * jitter);
}

/**
 * Returns the wait that a `Retry-After` header requests, in milliseconds, at most an hour; undefined if the header is
 * absent or unreadable. RFC 9110 §10.2.3: seconds or a date. Some proxies send the second since 1970 at which to
 * return; that counts as a very long wait and is capped like one.
 */
export function pauseOf(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim().slice(0, 64);
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) || ms < 0 ? undefined : Math.min(ms, longestPauseMs);
}

/** Tells whether a delivery has failed for so long, while its instance was up, that somebody should look. */
export function isOverdue(troubleSince: string, now: string): boolean {
  return Date.parse(now) - Date.parse(troubleSince) >= heldAfterMs;
}
