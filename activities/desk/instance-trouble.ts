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
