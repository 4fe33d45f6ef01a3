/** What may be wrong with a desk's API for a while. */
import type { Chance } from '#faults/chance.ts';

/** How one request goes wrong. `lost`, `cut`, `garbled`, `empty` and `late-error` come after the work was done. */
export type Mishap =
  | 'error'
  | 'busy'
  | 'forbidden'
  | 'hang'
  | 'slow'
  | 'lost'
  | 'cut'
  | 'portal'
  | 'redirect'
  | 'garbled'
  | 'empty'
  | 'no-content'
  | 'late-error';

export type Vices = {
  /** Of all requests, 0 to 1. */
  readonly shares: Map<Mishap, number>;
  /** Reading these tickets fails. */
  readonly poisoned: Set<string>;
  /** These are not there, as it says, for whoever asks. */
  readonly hidden: Set<string>;
  /** Every answer waits this long. */
  latencyMs: number;
  /** What 429 asks for; null: it says nothing. */
  retryAfter: string | null;
};

export function noVices(): Vices {
  return { shares: new Map(), poisoned: new Set(), hidden: new Set(), latencyMs: 0, retryAfter: '2' };
}

/** At most one mishap strikes a request; the shares are added up in the order in which they were set. */
export function strikes({ shares }: Vices, chance: Chance): Mishap | null {
  const drawn = chance.next();
  let edge = 0;
  for (const [mishap, share] of shares) {
    edge += share;
    if (drawn < edge) return mishap;
  }
  return null;
}
