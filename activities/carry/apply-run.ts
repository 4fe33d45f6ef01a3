/** What it takes to carry out one delivery, and how that can end. */
import type { Reason } from '#core/words/vocabulary.ts';
import type { Written } from '#core/words/desk.ts';
import type { DrivenDesk } from '#activities/deps.ts';
import type { Turn } from '#activities/turn.ts';

export type ApplyRun = Omit<Turn, 'lane'> & {
  readonly desk: DrivenDesk;
  /** Serialises creations if the helpdesk requires it. */
  oneAtATime<Result>(work: () => Promise<Result>): Promise<Result>;
};

/** `marker`: returns the marker of the delivery's nth step. */
export type StepRun = ApplyRun & { readonly marker: (step: number) => string };

export type Applied =
  /** `isLast`: nothing waits after it in the lane. */
  | { readonly kind: 'ended'; readonly isLast: boolean }
  | { readonly kind: 'later'; readonly delayMs: number }
  /** Another drain owns the courier. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'hold'; readonly reason: Reason };

/** The last step that was made, and the ticket that an earlier step opened. */
export type Pending = {
  readonly index: number;
  readonly made: Written;
  readonly opened: Written | null;
  /** Instants by our clock between which it was made, milliseconds; absent if an earlier attempt made it. */
  readonly around?: { readonly sentAt: number; readonly gotAt: number };
  /** An earlier attempt made it and the desk has just confirmed it: the read-back need not show it again. */
  readonly found?: boolean;
};
