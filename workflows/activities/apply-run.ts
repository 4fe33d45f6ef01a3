/** What carrying out one delivery needs, and how it can end. */
import type { Reason } from '#core/vocabulary.ts';
import type { DeliveryContext } from '#db/delivery-context.ts';
import type { Made } from '#db/writes.ts';
import type { Desk, WorkDeps } from './deps.ts';

export type ApplyRun = {
  readonly deps: WorkDeps;
  readonly desk: Desk;
  readonly epoch: number;
  readonly context: DeliveryContext;
  readonly startedMs: number;
  /** Serialises creations where the helpdesk needs it. */
  oneAtATime<Result>(work: () => Promise<Result>): Promise<Result>;
};

export type Applied =
  /** `isLast`: nothing waits behind it. */
  | { readonly kind: 'ended'; readonly isLast: boolean }
  | { readonly kind: 'later'; readonly delayMs: number }
  /** Another drain owns the courier. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'hold'; readonly reason: Reason };

/** The last step made, and the ticket an earlier one opened. */
export type Pending = { readonly index: number; readonly made: Made; readonly opened: Made | null };
