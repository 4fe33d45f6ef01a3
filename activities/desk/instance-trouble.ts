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

/** The desk that has the file is away, refuses us or asks for a pause: no trouble of the one that is to get it. */
export class SourceTrouble extends Error {
  override readonly name = 'SourceTrouble';
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
