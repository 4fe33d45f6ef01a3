/** Why a request to a helpdesk or a peer failed, by what is to be done about it. */
/**
 * - `retry`: passing trouble, surely nothing was changed; try again.
 * - `refused`: the helpdesk said no and will again; `message` carries its words.
 * - `auth`: our credentials do not work.
 * - `gone`: the ticket (or file) is deleted; a right that we lack is `auth` or `retry`, never this.
 * - `slow-down`: over its limit; wait `retryAfterMs`.
 * - `conflict`: a conditional write lost; read again, decide again.
 * - `in-doubt`: the request may or may not have been carried out.
 */
export type HelpdeskErrorClass = 'retry' | 'refused' | 'auth' | 'gone' | 'slow-down' | 'conflict' | 'in-doubt';

export class HelpdeskError extends Error {
  override readonly name = 'HelpdeskError';
  readonly class: HelpdeskErrorClass;
  /** Stable, kebab-case, for reasons and traces: `not-allowed-by-workflow`. */
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(
    errorClass: HelpdeskErrorClass,
    code: string,
    message: string,
    options: { readonly retryAfterMs?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.class = errorClass;
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}
