/** What a verb gives up with: why, and what to do. Nothing was changed then. */

/**
 * What kind of no it is, for exit codes and HTTP statuses: the input is wrong, it may not, it is not there, it is in a
 * state that does not allow it, somebody else can't be reached, or Ferry is not set up for it.
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
