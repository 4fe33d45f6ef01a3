import type { Reason } from '#core/words/vocabulary.ts';
import { isOtherDesk } from './which-desk.ts';
import type { HelpdeskError } from '#connectors/contract/errors.ts';

export type TroubleKind = 'down' | 'auth' | 'other' | 'slow-down';

/** Trouble with the whole instance, not with one delivery. */
export class InstanceTrouble extends Error {
  override readonly name = 'InstanceTrouble';
  readonly kind: TroubleKind;
  readonly retryAfterMs: number | undefined;

  constructor(kind: TroubleKind, message: string, retryAfterMs?: number) {
    super(message);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * Trouble with a file, which has to wait: the desk that holds it is unreachable, refuses us or asks for a pause, or
 * there is no space for it here or at the receiving peer. Deliveries without files continue.
 */
export class FileTrouble extends Error {
  override readonly name = 'FileTrouble';
  /** Display name. */
  readonly desk: string;
  readonly retryAfterMs: number | undefined;
  /** Set if no desk is to blame. */
  readonly reason: Reason | undefined;

  constructor(
    desk: string,
    { message, retryAfterMs, reason }: Pick<Error, 'message'> & Partial<Pick<FileTrouble, 'retryAfterMs' | 'reason'>>,
  ) {
    super(message);
    this.desk = desk;
    this.retryAfterMs = retryAfterMs;
    this.reason = reason;
  }
}

/** Returns null if the error may concern only one delivery. */
export function troubleOf(error: HelpdeskError): InstanceTrouble | null {
  const { class: sort, message, retryAfterMs } = error;
  if (isOtherDesk(error)) return new InstanceTrouble('other', message);
  if (sort === 'auth') return new InstanceTrouble('auth', message);
  return sort === 'slow-down' ? new InstanceTrouble('slow-down', message, retryAfterMs) : null;
}
