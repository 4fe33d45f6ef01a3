/** What carrying out one delivery needs, and how it can end. */
import type { Reason } from '#core/words/vocabulary.ts';
import type { Written } from '#core/words/desk.ts';
import type { DrivenDesk } from '#activities/deps.ts';
import type { CarryDeps } from './deps.ts';
import type { Turn } from '#activities/turn.ts';

export type ApplyRun = Omit<Turn, 'lane' | 'deps'> & {
  readonly deps: CarryDeps;
  readonly desk: DrivenDesk;
  /** Serialises creations where the helpdesk needs it. */
  oneAtATime<Result>(work: () => Promise<Result>): Promise<Result>;
};

/** `marker`: of the delivery's nth step. */
export type StepRun = ApplyRun & { readonly marker: (step: number) => string };

export type Applied =
  /** `isLast`: nothing waits behind it. */
  | { readonly kind: 'ended'; readonly isLast: boolean }
  | { readonly kind: 'later'; readonly delayMs: number }
  /** Another drain owns the courier. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'hold'; readonly reason: Reason };

/** The last step made, and the ticket an earlier one opened. */
export type Pending = {
  readonly index: number;
  readonly made: Written;
  readonly opened: Written | null;
  /** Instants of ours between which it was made, milliseconds; absent where it was made before. */
  readonly around?: { readonly sentAt: number; readonly gotAt: number };
  /** It was made before, and the desk has just been asked: it need not show it once more. */
  readonly found?: boolean;
};
