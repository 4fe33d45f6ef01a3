/** Writes the log's lines for attempts, holds, notices, operators' commands and refused sign-ins. */
import type { AttemptSeen } from '#core/words/attempt.ts';
import type { AuditLine } from '#db/operate/audit-lines.ts';
import type { NoticeLine } from '#db/operate/notice-lines.ts';

/** A structural subset of pino's. */
export type Log = { info(detail: object, text: string): void; warn(detail: object, text: string): void };

/** Uses `info` if nobody has to act. */
export function attemptLine(log: Log, seen: AttemptSeen): void {
  if (seen.result === 'held') log.warn(seen, 'hold');
  else if (seen.result === 'retry' || seen.result === 'refused') log.warn(seen, 'attempt');
  else log.info(seen, 'attempt');
}

/** Logs a notice: its cause, but not its text, which people receive. */
export function noticeLine(log: Log, { cleared, ...notice }: NoticeLine): void {
  const word = notice.reason === 'ping-pong' ? 'pause' : 'notice';
  if (cleared) log.info({ ...notice, cleared }, word);
  else log.warn({ ...notice, cleared }, word);
}

export function commandLine(log: Log, { by, what, on, id, at, link, tickets }: AuditLine): void {
  log.info({ who: by, verb: what, on, link, tickets, audit: id, at }, 'command');
}
