/**
 * One request under way and what its failures say. What may have happened decides the class: nothing was sent yet →
 * `retry`; a read → `retry`; a write whose request may have left → `in-doubt`.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { NotAfter } from '#connectors/contract/not-after.ts';
import type { Deadline } from './deadline.ts';
import type { TransferWatch } from './transfer.ts';

export type Exchange = {
  readonly what: string;
  readonly write: boolean;
  /** The answer to a HEAD names a length and has no body. */
  readonly hasBody: boolean;
  readonly deadline: Deadline;
  readonly mark: Mark;
  /** Of a reply's body. */
  readonly maxBytes: number;
  /** Of a file that is fetched. */
  readonly transfer: TransferWatch | null;
  /** Whether its receiver takes more of it. */
  watch(isTaken: () => boolean): void;
  /** The time is over, or nothing more is to be watched. */
  stop(): void;
};

/** What is known of a request at the socket. */
export type Mark = { sent: boolean; readonly notAfter: NotAfter | null };

/** The time of a write is over. */
class TooLateError extends Error {}

/** Throws where the time of a write is over. */
export function checkTime(notAfter: NotAfter | null): void {
  if (notAfter === null || notAfter.leftMs() > 0) return;
  throw new TooLateError();
}

/**
 * The last look at the clock, when the socket is to take the request: what has waited for a connection, or for its process
 * to run again, may be too late by now. From then on it may have reached the helpdesk.
 */
export function markSent(mark: Mark): void {
  checkTime(mark.notAfter);
  mark.sent = true;
}

/** @throws HelpdeskError for a reply that is not read: a redirect, an encoding, too long by its own word */
export function refuseStrange(
  status: number,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  exchange: Exchange,
): void {
  if (status >= 300 && status < 400 && status !== 304) {
    throw uncertain(
      exchange,
      'redirected',
      'was answered with a redirect, which is never followed. Check the URL in the settings',
    );
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && String(encoding).toLowerCase() !== 'identity')
    throw uncertain(exchange, 'encoded-reply', 'was answered in an encoding that was not asked for');
  if (exchange.hasBody && Number(headers['content-length'] ?? 0) > exchange.maxBytes) throw tooLarge(exchange);
}

export function failure(error: unknown, exchange: Exchange): HelpdeskError {
  if (error instanceof HelpdeskError) return error;
  if (error instanceof TooLateError) return uncertain(exchange, 'too-late', 'came too late and was not sent');
  const code = errorCode(error);
  if (exchange.deadline.isExpired()) return uncertain(exchange, 'timeout', 'took too long and was given up', error);
  if (exchange.deadline.isOver()) return uncertain(exchange, 'aborted', 'was given up', error);
  return uncertain(exchange, codeOf(error), `failed: ${code}`, error);
}

export function codeOf(error: unknown): string {
  const code = errorCode(error);
  return plainCodes.get(code) ?? (isTlsCode(code) ? 'tls' : 'network');
}

export function uncertain(exchange: Exchange, code: string, what: string, cause?: unknown): HelpdeskError {
  const errorClass = exchange.write && exchange.mark.sent ? 'in-doubt' : 'retry';
  const after = errorClass === 'in-doubt' ? ' The change may or may not have been made.' : '';
  // Only the code of the cause is kept: its own message could repeat what was sent.
  return new HelpdeskError(errorClass, code, `${exchange.what} ${what}.${after}`, {
    cause: cause === undefined ? undefined : errorCode(cause),
  });
}

export function tooLarge(exchange: Exchange): HelpdeskError {
  const limit = `${exchange.what} was answered with more than ${exchange.maxBytes} bytes, which is more than is read.`;
  return new HelpdeskError(exchange.write ? 'in-doubt' : 'refused', 'reply-too-large', limit);
}

const plainCodes: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection-refused'],
  ['ENOTFOUND', 'name-not-found'],
  ['EAI_AGAIN', 'name-not-found'],
  ['UND_ERR_CONNECT_TIMEOUT', 'connect-timeout'],
  ['ETIMEDOUT', 'connect-timeout'],
  ['EHOSTUNREACH', 'unreachable'],
  ['ENETUNREACH', 'unreachable'],
  ['ECONNRESET', 'connection-reset'],
  ['EPIPE', 'connection-reset'],
  ['UND_ERR_SOCKET', 'connection-reset'],
]);

function isTlsCode(code: string): boolean {
  return /^(ERR_TLS|ERR_SSL|CERT_|CRL_|ERROR_IN_CERT|HOSTNAME_|INVALID_(CA|PURPOSE)|PATH_LENGTH|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|EPROTO)/.test(
    code,
  );
}

export function errorCode(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  const code = (inner as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'unknown';
}
