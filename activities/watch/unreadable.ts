/** Handles a ticket that can't be read while its desk is up: it waits alone and delays no other ticket. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import { nextTry } from '#core/words/retry.ts';
import type { Ref } from '#core/words/vocabulary.ts';
import type { WorkDeps } from '#activities/deps.ts';
import { whyNoAnswer } from '#activities/desk/answers.ts';

/** A permission may be restored without notice, so the ticket is tried at least this often. */
const longestMs = 10 * 60_000;
const shortestMs = 15_000;

/** Tells whether only this ticket fails: the desk answers and accepts our credentials. */
export async function isTicketsOwn(
  helpdesk: Pick<Helpdesk, 'ping'>,
  error: unknown,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(error instanceof HelpdeskError) || signal.aborted) return false;
  if (error.class === 'slow-down') return false;
  return (await whyNoAnswer((within) => helpdesk.ping(within), signal)) === null;
}

/** Returns the delay until the next read, in milliseconds. @param times how often it was deferred */
export function unreadableMs(times: number): number {
  const delayMs = nextTry({ attempt: times, trouble: 'retry', random: Math.random(), capMs: longestMs });
  return Math.max(delayMs, shortestMs);
}

/** Logs which ticket it is and the desk's words, for the operator. */
export function noteUnreadable({ log }: Pick<WorkDeps, 'log'>, { instance, externalId }: Ref, error: unknown): void {
  const code = error instanceof HelpdeskError ? error.code : 'unknown';
  const text = error instanceof Error ? error.message : String(error);
  log.warn({ instance, ticket: externalId, code }, `ticket ${externalId} of ${instance} can't be read: ${text}`);
}
