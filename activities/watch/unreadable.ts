/** A ticket that can't be read while its desk is well: it waits for itself, and keeps no other ticket waiting. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import { nextTry } from '#core/words/retry.ts';
import type { Ref } from '#core/words/vocabulary.ts';
import type { WorkDeps } from '#activities/deps.ts';
import { whyNoAnswer } from '#activities/desk/answers.ts';

/** A right that was taken away comes back without anybody telling, so it is looked at again at least this often. */
const longestMs = 10 * 60_000;
const shortestMs = 15_000;

/** Whether the failure is this ticket's alone: the desk answers, and takes our credentials. */
export async function isTicketsOwn(
  helpdesk: Pick<Helpdesk, 'ping'>,
  error: unknown,
  signal: AbortSignal,
): Promise<boolean> {
  if (!(error instanceof HelpdeskError) || signal.aborted) return false;
  if (error.class === 'slow-down') return false;
  return (await whyNoAnswer((within) => helpdesk.ping(within), signal)) === null;
}

/** How long until it is read again, in milliseconds. @param times how often it was put off */
export function unreadableMs(times: number): number {
  const delayMs = nextTry({ attempt: times, trouble: 'retry', random: Math.random(), capMs: longestMs });
  return Math.max(delayMs, shortestMs);
}

/** In the log of whoever is on duty: which ticket, and the desk's words. */
export function noteUnreadable({ log }: Pick<WorkDeps, 'log'>, { instance, externalId }: Ref, error: unknown): void {
  const code = error instanceof HelpdeskError ? error.code : 'unknown';
  const text = error instanceof Error ? error.message : String(error);
  log.warn({ instance, ticket: externalId, code }, `ticket ${externalId} of ${instance} can't be read: ${text}`);
}
