/** Something is wrong with the instance, not with one delivery. */
export class InstanceTrouble extends Error {
  override readonly name = 'InstanceTrouble';
  readonly kind: 'down' | 'auth' | 'slow-down';
  readonly retryAfterMs: number | undefined;

  constructor(kind: 'down' | 'auth' | 'slow-down', message: string, retryAfterMs?: number) {
    super(message);
    this.kind = kind;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * A file has to wait: the desk that has it is away, refuses us or asks for a pause, or the peer that is to get it has no
 * room. What goes without a file goes on.
 */
export class FileTrouble extends Error {
  override readonly name = 'FileTrouble';
  /** Display name. */
  readonly desk: string;
  readonly retryAfterMs: number | undefined;

  constructor(
    desk: string,
    { message, retryAfterMs }: { readonly message: string; readonly retryAfterMs: number | undefined },
  ) {
    super(message);
    this.desk = desk;
    this.retryAfterMs = retryAfterMs;
  }
}
