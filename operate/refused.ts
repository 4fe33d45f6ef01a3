/** The error of a verb that refuses: why, and what to do. The verb has changed nothing. */

/**
 * The type of a refusal, for exit codes and HTTP statuses: the input is wrong, the actor has no right, the subject does not
 * exist or its state does not allow it, a peer can't be reached, or Ferry is not set up for it.
 */
export type RefusalKind = 'wrong' | 'forbidden' | 'unknown' | 'state' | 'unavailable' | 'setup';

export class Refused extends Error {
  override readonly name = 'Refused';
  /** Stable, kebab-case. */
  readonly code: string;
  readonly kind: RefusalKind;

  constructor(code: string, kind: RefusalKind, message: string) {
    super(message);
    this.code = code;
    this.kind = kind;
  }
}
