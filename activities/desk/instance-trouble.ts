import type { Reason } from '#core/words/vocabulary.ts';
import { isOtherDesk } from './which-desk.ts';
import type { HelpdeskError } from '#connectors/contract/errors.ts';

export type TroubleKind = 'down' | 'auth' | 'other' | 'slow-down';

/** Something is wrong with the instance, not with one delivery. */
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
 * A file has to wait: the desk that has it is away, refuses us or asks for a pause, or there is no room for it, here or at
 * the peer that is to get it. What goes without a file goes on.
 */
export class FileTrouble extends Error {
  override readonly name = 'FileTrouble';
  /** Display name. */
  readonly desk: string;
  readonly retryAfterMs: number | undefined;
  /** Where it is no trouble of a desk. */
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

/** Null: it may be one delivery's alone. */
export function troubleOf(error: HelpdeskError): InstanceTrouble | null {
  const { class: sort, message, retryAfterMs } = error;
  if (isOtherDesk(error)) return new InstanceTrouble('other', message);
  if (sort === 'auth') return new InstanceTrouble('auth', message);
  return sort === 'slow-down' ? new InstanceTrouble('slow-down', message, retryAfterMs) : null;
}
