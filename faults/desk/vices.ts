/** What may go wrong with a desk's API for a while. */
import type { Chance } from '#faults/chance.ts';

/** How one request goes wrong. `lost`, `cut`, `garbled`, `empty` and `late-error` strike after the work is done. */
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
  /** The share of all requests that each mishap strikes, from 0 to 1. */
  readonly shares: Map<Mishap, number>;
  /** Tickets that cannot be read. */
  readonly poisoned: Set<string>;
  /** Tickets that the desk reports as missing to every caller. */
  readonly hidden: Set<string>;
  /** How long every answer is delayed. */
  latencyMs: number;
  /** The `Retry-After` of a 429; null: none. */
  retryAfter: string | null;
};

export function noVices(): Vices {
  return { shares: new Map(), poisoned: new Set(), hidden: new Set(), latencyMs: 0, retryAfter: '2' };
}

/** Draws the mishap that strikes a request, at most one. Adds the shares up in the order in which they were set. */
export function strikes({ shares }: Vices, chance: Chance): Mishap | null {
  const drawn = chance.next();
  let edge = 0;
  for (const [mishap, share] of shares) {
    edge += share;
    if (drawn < edge) return mishap;
  }
  return null;
}
